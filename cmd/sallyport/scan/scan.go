// Package scan is the command that looks at texts as the screen does: for people,
// for code scanning, and for what reads lines of JSON.
package scan

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/scan/inspect"
	"sallyport/cmd/sallyport/words"
	"sallyport/policy"
	"sallyport/policy/handling"
	"sallyport/proxy/guard"
	"sallyport/proxy/show"
)

// maxText bounds one text, and one line of JSON.
const maxText = 32 << 20

// Program is what the command needs of the program around it.
type Program struct {
	Version string
	// Server finds a server: that of a policy, or a bare command.
	Server func(config, name string, command []string) (Server, error)
	Flags  func(*cobra.Command) // adds those of Server
}

// Server is one that can be started.
type Server struct {
	Name  string
	Start func() (inspect.Process, error)
}

const long = `scan reads each FILE (or - for standard input) as one text and says what it finds:
instructions that are addressed to a model, hidden or encoded text, and, in
arguments, commands, SQL, paths and addresses that do harm.

After -- stands the command of an MCP server, or --server and --config name one of a
policy. It is started as wrap and run start it, in the sandbox that the policy or
--sandbox says, asked for its instructions, tools,
prompts and resources, and stopped; nothing is called. Every text of what it says of
itself is looked at, names of members included, and those are told in which
something is found.

With --format json each text is one line {"id","action","score","findings"}; the
action is what would be done about it: pass, log, filter or refuse.
--format sarif is for code scanning: what is refused or filtered is an error, what
is asked about or annotated a warning, the rest a note.

With --jsonl it reads records {"id","text","direction"}, one a line, from the files
or from standard input, and writes such a line for each, in order.

What it says would be done is what run and wrap do where the policy says nothing
else. --rules lists the names of all signs, for the policy's screen blocks.

Exit codes: 0 nothing above log was found (always with --jsonl); 1 something was;
2 wrong usage, a file cannot be read, or the server fails (what was found until
then is told); 130 ended by a signal.`

// Command is sallyport scan.
func Command(p Program) *cobra.Command {
	o := options{program: p}
	c := &cobra.Command{
		Use:   "scan [flags] {FILE… | --server NAME --config FILE | -- COMMAND [ARG…]}",
		Short: "Look for injections and dangerous arguments in texts, and in what a server says of itself",
		Long:  long,
		Example: `  sallyport scan README.md
  sallyport scan --direction args command.txt
  sallyport scan -- npx -y @modelcontextprotocol/server-filesystem /data
  sallyport scan --sandbox podman -- npx -y some-unknown-server@1.0.0
  sallyport scan --config sallyport.hcl --server files
  sallyport scan --format sarif docs/*.md > findings.sarif
  jq -c '{id:.name,text:.description,direction:"description"}' tools.jsonl | sallyport scan --jsonl`,
		RunE: words.Ran(func(c *cobra.Command, args []string) error {
			o.files, o.directed = args, c.Flags().Changed("direction")
			if o.rules {
				_, err := io.WriteString(c.OutOrStdout(), strings.Join(policy.Signs(), "\n")+"\n")
				return err
			}
			if at := c.ArgsLenAtDash(); at >= 0 {
				o.files, o.command = args[:at], args[at:]
			}
			if err := o.check(); err != nil {
				return err
			}
			out := bufio.NewWriter(c.OutOrStdout())
			folder, _ := os.Getwd()
			s := scanner{guard: guard.New(nil), in: c.InOrStdin(), out: out, report: reportIn(o.format, out, p.Version, folder)}
			return s.run(c.Context(), &o)
		}),
	}
	c.Flags().StringVar(&o.direction, "direction", "result", "what the texts of files are: `args`, description or result")
	c.Flags().StringVar(&o.format, "format", "text", "how it is told: `text`, json or sarif")
	c.Flags().BoolVar(&o.jsonl, "jsonl", false, "read and write lines of JSON")
	c.Flags().BoolVar(&o.rules, "rules", false, "list the names of all signs")
	c.Flags().StringVar(&o.config, "config", "", "policy `FILE` of the server")
	c.Flags().StringVar(&o.server, "server", "", "`NAME` of the policy's server (default: its only one)")
	c.Flags().DurationVar(&o.timeout, "timeout", 30*time.Second, "how long a server may take to say all")
	if p.Flags != nil {
		p.Flags(c)
	}
	return c
}

// options are what the command line says.
type options struct {
	program           Program
	files, command    []string
	direction, format string
	directed, jsonl   bool
	rules             bool
	config, server    string
	timeout           time.Duration
}

// serves says whether it is a server that is looked at.
func (o *options) serves() bool { return len(o.command) > 0 || o.config != "" || o.server != "" }

// check refuses words that do not go together.
func (o *options) check() error {
	_, known := directions[o.direction]
	switch {
	case !known:
		return words.Usage("--direction %q: choose one of args, description, result", o.direction)
	case reportIn(o.format, nil, "", "") == nil:
		return words.Usage("--format %q: choose one of text, json, sarif", o.format)
	case o.jsonl && o.format == "sarif":
		return words.Usage("--jsonl writes lines of JSON: leave out --format %s", o.format)
	case o.serves() && (len(o.files) > 0 || o.jsonl || o.directed):
		return words.Usage("a server is looked at alone: leave out the files, --jsonl and --direction (a command stands after --)")
	case o.server != "" && o.config == "" && len(o.command) == 0:
		return words.Usage("say --config FILE: the policy that has the server %q", o.server)
	case o.timeout <= 0:
		return words.Usage("--timeout %s: it must be more than nothing", o.timeout)
	case !o.serves() && len(o.files) == 0 && !o.jsonl:
		return words.Usage("say which files: sallyport scan FILE… (- is standard input), or which server: sallyport scan -- COMMAND")
	}
	return nil
}

var directions = map[string]handling.Place{"args": handling.Arguments, "description": handling.Definitions, "result": handling.Results}

type scanner struct {
	guard  *guard.Guard
	in     io.Reader
	out    *bufio.Writer
	report report
	found  bool // something above log
}

// run looks at all that the options name.
func (s *scanner) run(ctx context.Context, o *options) error {
	var summary string
	var err error
	switch {
	case o.serves():
		summary, err = s.server(ctx, o)
	case o.jsonl:
		err = s.all(o, s.lines)
	default:
		err = s.all(o, s.text)
	}
	if !o.jsonl {
		s.report.end(summary, err)
	}
	if e := s.out.Flush(); err == nil {
		err = e
	}
	if err == nil && s.found && !o.jsonl {
		return &words.Exit{Code: 1, Err: errors.New("something was found")}
	}
	return err
}

// all reads one file after the other.
func (s *scanner) all(o *options, read func(string, io.Reader, handling.Place) error) error {
	files := o.files
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, name := range files {
		in := s.in
		if name != "-" {
			f, err := os.Open(name)
			if err != nil {
				return &words.Exit{Code: 2, Err: err}
			}
			defer f.Close()
			in = f
		}
		if err := read(name, in, directions[o.direction]); err != nil {
			return &words.Exit{Code: 2, Err: fmt.Errorf("%s: %w", show.Line(name, 200), err)}
		}
	}
	return nil
}

// text looks at one text.
func (s *scanner) text(name string, in io.Reader, d handling.Place) error {
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return err
	}
	if len(b) > maxText {
		return fmt.Errorf("it has more than %d bytes", maxText)
	}
	s.look(place{file: name}, string(b), d)
	return nil
}

// look looks at a text, and reports it.
func (s *scanner) look(p place, text string, d handling.Place) Result {
	r := Look(s.guard, text, d)
	s.found = s.found || aboveLog(r.action)
	s.report.add(p, text, r)
	return r
}

// lines answers records line by line, in their order.
func (s *scanner) lines(_ string, in io.Reader, d handling.Place) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxText)
	write := json.NewEncoder(s.out)
	write.SetEscapeHTML(false)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var rec struct {
			ID        string `json:"id"`
			Text      string `json:"text"`
			Direction string `json:"direction"`
		}
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil {
			return fmt.Errorf("line %d: not a record {\"id\",\"text\",\"direction\"}: %w", n, err)
		}
		own, ok := directions[rec.Direction]
		if !ok && rec.Direction != "" {
			return fmt.Errorf("line %d: direction %.40q is not one of args, description, result", n, rec.Direction)
		}
		if !ok {
			own = d
		}
		r := Look(s.guard, rec.Text, own)
		r.ID = rec.ID
		if err := write.Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}
