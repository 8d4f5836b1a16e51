// Package kind says what a tool's arguments are, by its schema, their names and
// what is written about them.
package kind

import (
	"encoding/json"
	"strings"
	"unicode"
)

// Kind is what an argument is, and so how it is read.
type Kind string

// The kinds of arguments. None is the zero: what its shape says.
const (
	Shell    Kind = "shell"
	SQL      Kind = "sql"
	Path     Kind = "path"
	URL      Kind = "url"
	Host     Kind = "host"
	Template Kind = "template"
	Code     Kind = "code"
	Document Kind = "document"
	Word     Kind = "word" // a name, an identifier: one word or a few
	None     Kind = ""
)

// Facts are what is known of a tool before it is called.
type Facts struct {
	Tool, Description string
	Schema            []byte // the raw inputSchema; may be nil
}

// Tree is a tool's arguments. A nil Tree knows nothing but their names.
type Tree struct {
	root  *Node
	about string // the tool's name and description, in lower case
}

// Node is one place in the schema.
type Node struct {
	Kind  Kind
	props map[string]*Node
	items *Node
}

const (
	maxSchemaDepth = 8
	maxAbout       = 4096
)

// Of prepares a tool's arguments once.
func Of(f Facts) *Tree {
	about := strings.ToLower(f.Tool + " " + f.Description)
	if len(about) > maxAbout {
		about = about[:maxAbout]
	}
	p := &Tree{about: about}
	var s schema
	if len(f.Schema) > 0 && json.Unmarshal(f.Schema, &s) == nil {
		p.root = p.node("", &s, 0)
	}
	return p
}

// Root is the place of the arguments themselves.
func (t *Tree) Root() *Node {
	if t == nil {
		return nil
	}
	return t.root
}

// schema is the little of JSON Schema that says what a text is. Parts that are
// not what they should be are passed over.
type schema struct {
	Format      lenient[string]             `json:"format"`
	Description lenient[string]             `json:"description"`
	Title       lenient[string]             `json:"title"`
	Properties  lenient[map[string]*schema] `json:"properties"`
	Items       lenient[*schema]            `json:"items"`
	Media       lenient[string]             `json:"contentMediaType"`
}

type lenient[T any] struct{ v T }

func (l *lenient[T]) UnmarshalJSON(b []byte) error {
	_ = json.Unmarshal(b, &l.v)
	return nil
}

func (p *Tree) node(name string, s *schema, depth int) *Node {
	n := &Node{Kind: p.kind(name, s)}
	if depth > maxSchemaDepth || s == nil {
		return n
	}
	if len(s.Properties.v) > 0 {
		n.props = make(map[string]*Node, len(s.Properties.v))
		for name, sub := range s.Properties.v {
			n.props[name] = p.node(name, sub, depth+1)
		}
	}
	if s.Items.v != nil {
		n.items = p.node(name, s.Items.v, depth+1)
	}
	return n
}

// Of is the place of a member. What no schema names goes by its name.
func (n *Node) Of(name string, p *Tree) *Node {
	if n != nil {
		if sub, ok := n.props[name]; ok {
			return sub
		}
	}
	return &Node{Kind: p.named(name)}
}

// Item is the place of an element.
func (n *Node) Item() *Node {
	if n.items != nil {
		return n.items
	}
	return &Node{Kind: n.Kind}
}

// kind asks the format, then the name, then the description.
func (p *Tree) kind(name string, s *schema) Kind {
	if s != nil {
		switch s.Format.v {
		case "uri", "uri-reference", "iri", "iri-reference", "url":
			return URL
		case "hostname", "ipv4", "ipv6", "idn-hostname":
			return Host
		case "email", "date", "date-time", "time", "uuid", "duration":
			return Word
		case "path", "file-path", "directory-path":
			return Path
		case "uri-template":
			return Template
		}
	}
	if k := p.named(name); k != None || s == nil {
		return k
	}
	about := strings.ToLower(s.Title.v + " " + s.Description.v)
	for _, h := range hints {
		if strings.Contains(about, h.part) {
			return h.kind
		}
	}
	return None
}

var hints = []struct {
	part string
	kind Kind
}{
	{"shell command", Shell}, {"bash command", Shell}, {"command to run", Shell}, {"command to execute", Shell}, {"command line", Shell}, {"terminal command", Shell},
	{"sql ", SQL}, {"file path", Path}, {"path to the", Path}, {"path to a", Path}, {"absolute path", Path}, {"relative path", Path}, {"directory to", Path}, {"directory path", Path},
	{"url to", URL}, {"url of", URL}, {"the url", URL}, {"webhook", URL}, {"python code", Code}, {"javascript code", Code}, {"code to run", Code}, {"code to execute", Code}, {"markdown", Document}, {"contents to write", Document}, {"content to write", Document},
}

// tokens of names, the last one that is known decides.
var nameKinds = map[string]Kind{
	"command": Shell, "cmd": Shell, "shell": Shell, "bash": Shell, "script": Shell, "exec": Shell, "cmdline": Shell, "commandline": Shell, "powershell": Shell, "entrypoint": Shell,
	"sql": SQL, "statement": SQL,
	"path": Path, "file": Path, "filename": Path, "filepath": Path, "dir": Path, "directory": Path, "folder": Path, "cwd": Path, "workdir": Path, "pathname": Path, "source": Path, "destination": Path, "root": Path, "dirname": Path,
	"url": URL, "uri": URL, "endpoint": URL, "href": URL, "webhook": URL, "callback": URL, "link": URL, "origin": URL,
	"host": Host, "hostname": Host, "ip": Host, "address": None, "server": Host, "domain": Host,
	"template": Template,
	"code":     Code, "javascript": Code, "js": Code, "python": Code, "snippet": Code, "expression": Code, "program": Code, "function": None,
	"content": Document, "contents": Document, "body": Document, "text": Document, "message": Document, "markdown": Document, "description": Document, "comment": Document, "notes": Document, "note": Document, "prompt": Document, "html": Document, "document": Document, "summary": Document, "readme": Document, "thought": Document, "reasoning": Document, "explanation": Document, "patch": Document, "diff": Document, "observations": Document, "new_str": Document, "old_str": Document, "question": Document, "answer": Document, "instructions": Document, "data": None,
	"id": Word, "name": Word, "branch": Word, "ref": Word, "tag": Word, "version": Word, "user": Word, "username": Word, "email": Word, "login": Word, "owner": Word, "repo": Word, "repository": Word, "namespace": Word, "container": Word, "image": Word, "package": Word, "label": Word, "region": Word, "zone": Word, "status": Word, "type": Word, "format": Word, "lang": Word, "language": Word, "currency": Word, "date": Word, "city": Word, "country": Word, "key": Word, "slug": Word, "order": Word, "sort": Word, "table": Word, "column": Word, "collection": Word, "database": Word, "schema": None, "bucket": Word, "project": Word, "cluster": Word, "environment": Word, "phone": Word, "pod": Word, "service": Word, "target": None, "query": None,
}

// named is the kind that a name speaks for.
func (p *Tree) named(name string) Kind {
	about := ""
	if p != nil {
		about = p.about
	}
	if len(name) > 128 {
		return None
	}
	tokens := tokenize(name)
	for i := len(tokens) - 1; i >= 0; i-- {
		t := tokens[i]
		k, ok := nameKinds[t]
		if !ok && strings.HasSuffix(t, "s") {
			k, ok = nameKinds[strings.TrimSuffix(t, "s")]
		}
		if !ok {
			continue
		}
		switch {
		case k == Code && t == "code" && i > 0 && tokens[i-1] != "source" && tokens[i-1] != "python" && tokens[i-1] != "js":
			return Word // a postal code, a currency code
		case t == "query" && (strings.Contains(about, "sql") || strings.Contains(about, "database") || strings.Contains(about, "postgres")):
			return SQL
		case k == Shell && t == "script" && (strings.Contains(about, "javascript") || strings.Contains(about, "browser") || strings.Contains(about, "python")):
			return Code
		case t == "source" || t == "server" || t == "file" && i < len(tokens)-1:
			return None
		}
		return k
	}
	return None
}

// tokenize splits a name at signs and at capitals.
func tokenize(name string) (tokens []string) {
	start, lower := 0, false
	for i, c := range name {
		switch {
		case c == '_' || c == '-' || c == '.' || c == ' ' || c == '/':
			if i > start {
				tokens = append(tokens, strings.ToLower(name[start:i]))
			}
			start, lower = i+1, false
		case unicode.IsUpper(c) && lower:
			tokens = append(tokens, strings.ToLower(name[start:i]))
			start, lower = i, false
		default:
			lower = unicode.IsLower(c)
		}
	}
	if start < len(name) {
		tokens = append(tokens, strings.ToLower(name[start:]))
	}
	return tokens
}
