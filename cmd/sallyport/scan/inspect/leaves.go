package inspect

import (
	"bytes"
	"encoding/json"
	"iter"
	"regexp"
	"strconv"
	"strings"
)

// Leaf is one text in a definition.
type Leaf struct {
	Path Path
	Name bool // it is the name of the member, not its value
	Text string
}

// Path is where in a definition a text stands, outermost first.
type Path []Step

// Step is one member of an object, or one element of an array.
type Step struct {
	Key   string
	Array bool
	Index int // in an array
}

// Leaves goes over every text of a definition: each string, and each name of a
// member. It leaves out empty ones, and the data of pictures in icons. It takes
// linear time however deep the definition is. A path is good until the next leaf.
func Leaves(raw []byte) iter.Seq[Leaf] {
	return func(yield func(Leaf) bool) {
		w := walk{json: json.NewDecoder(bytes.NewReader(raw))}
		w.json.UseNumber()
		for leaf, ok := w.next(); ok; leaf, ok = w.next() {
			if leaf.Text != "" && !leaf.picture() && !yield(leaf) {
				return
			}
		}
	}
}

// walk reads tokens, and knows where they stand.
type walk struct {
	json *json.Decoder
	path Path // one step for each open object or array
	key  bool // what comes next is a key
}

// next returns the next string.
func (w *walk) next() (Leaf, bool) {
	for {
		token, err := w.json.Token()
		if err != nil {
			return Leaf{}, false
		}
		text, isText := token.(string)
		last := len(w.path) - 1
		if isText && w.key {
			w.path[last].Key, w.key = text, false
			return Leaf{w.path, true, text}, true
		}
		bracket, _ := token.(json.Delim)
		if bracket == '}' || bracket == ']' {
			w.path = w.path[:last]
			w.key = last > 0 && !w.path[last-1].Array
			continue
		}
		if last >= 0 && w.path[last].Array {
			w.path[last].Index++
		}
		switch bracket {
		case '{':
			w.path = append(w.path, Step{})
		case '[':
			w.path = append(w.path, Step{Array: true, Index: -1})
		}
		w.key = bracket == '{' || bracket == 0 && last >= 0 && !w.path[last].Array
		if isText {
			return Leaf{w.path, false, text}, true
		}
	}
}

var pictureData = regexp.MustCompile(`^data:image/[\w.+-]+;base64,[A-Za-z0-9+/=]*$`)

// picture says whether it is an icon's data: what is in it is not read by a
// model. Data that can be read as it stands is text.
func (l Leaf) picture() bool {
	n := len(l.Path)
	return n >= 3 && !l.Name && l.Path[n-1].Key == "src" && l.Path[n-2].Array && l.Path[n-3].Key == "icons" &&
		pictureData.MatchString(l.Text)
}

// What is shown of a path is bounded: both are the server's choice.
const (
	maxSteps = 16 // at each end
	maxKey   = 80 // bytes
)

// String is like inputSchema.properties.path.enum[2]; what is no plain word stands
// in brackets, quoted.
func (p Path) String() string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if i == maxSteps && len(p) > 2*maxSteps {
			i = len(p) - maxSteps
			b.WriteString("[…]")
		}
		switch s := p[i]; {
		case s.Array:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case len(s.Key) > maxKey:
			b.WriteString("[" + strconv.Quote(s.Key[:maxKey]) + "…]")
		case !plainKey.MatchString(s.Key):
			b.WriteString("[" + strconv.Quote(s.Key) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Key)
		}
	}
	return b.String()
}

var plainKey = regexp.MustCompile(`^[\w$-]+$`)

// Where names the place of the text.
func (l Leaf) Where() string {
	if l.Name {
		return "name of " + l.Path.String()
	}
	return l.Path.String()
}
