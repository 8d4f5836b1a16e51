// Package scan is the command that looks at texts as the screen does: for people,
// and for what reads lines of JSON.
package scan

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sallyport/cmd/sallyport/words"
	"sallyport/policy/screen"
	"sallyport/policy/screen/danger"
	"sallyport/proxy/show"
)

// maxText bounds one text, and one line of JSON.
const maxText = 32 << 20

// Finding is one thing that was found, as it is written.
type Finding struct {
	Family string `json:"family"`
	Rule   string `json:"rule"`
	Start  int    `json:"start"` // bytes of the text
	End    int    `json:"end"`
	Shown  string `json:"decoded,omitempty"`
	Hidden bool   `json:"hidden,omitempty"`
}

// Result is what was found in one text.
type Result struct {
	ID       string    `json:"id"`
	Action   string    `json:"action"` // pass, log, annotate, filter, ask or refuse
	Score    float64   `json:"score"`
	Findings []Finding `json:"findings"`
}

// Command is sallyport scan.
func Command() *cobra.Command {
	var direction string
	var jsonl bool
	c := &cobra.Command{
		Use:   "scan [--direction args|description|result] FILE…",
		Short: "Look for injections and dangerous arguments in texts",
		Long: `scan reads each FILE (or - for standard input) as one text and says what it finds:
instructions that are addressed to a model, hidden or encoded text, and, in
arguments, commands, SQL, paths and addresses that do harm.

With --jsonl it reads records {"id","text","direction"}, one a line, from the files
or from standard input, and writes for each, in order, one line
{"id","action","score","findings"}. The action is what would be done about it: pass,
log, annotate, filter, ask or refuse.

It looks at texts that it is given. Calls and results are not screened by it yet.

Exit codes: 0 nothing above log was found (always with --jsonl); 1 something was;
2 wrong usage, or a file cannot be read.`,
		Example: `  sallyport scan README.md
  sallyport scan --direction args command.txt
  jq -c '{id:.name,text:.description,direction:"description"}' tools.jsonl | sallyport scan --jsonl`,
		RunE: words.Ran(func(c *cobra.Command, files []string) error {
			d, ok := directions[direction]
			if !ok {
				return words.Usage("--direction %q: choose one of args, description, result", direction)
			}
			s := scanner{screen: screen.New(), in: c.InOrStdin(), out: bufio.NewWriter(c.OutOrStdout())}
			if len(files) == 0 && !jsonl {
				return words.Usage("say which files: sallyport scan FILE… (- is standard input)")
			}
			err := s.all(files, d, jsonl)
			if e := s.out.Flush(); err == nil {
				err = e
			}
			if err == nil && s.found && !jsonl {
				return &words.Exit{Code: 1, Err: errors.New("something was found")}
			}
			return err
		}),
	}
	c.Flags().StringVar(&direction, "direction", "result", "what the texts are: `args`, description or result")
	c.Flags().BoolVar(&jsonl, "jsonl", false, "read and write lines of JSON")
	return c
}

var directions = map[string]screen.Direction{"args": screen.Arguments, "description": screen.Description, "result": screen.Result}

type scanner struct {
	screen *screen.Screen
	in     io.Reader
	out    *bufio.Writer
	found  bool // something above log
}

func (s *scanner) all(files []string, d screen.Direction, jsonl bool) error {
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
		read := s.text
		if jsonl {
			read = s.lines
		}
		if err := read(name, in, d); err != nil {
			return &words.Exit{Code: 2, Err: fmt.Errorf("%s: %w", show.Line(name, 200), err)}
		}
	}
	return nil
}

// text tells people what is in one text.
func (s *scanner) text(name string, in io.Reader, d screen.Direction) error {
	b, err := io.ReadAll(io.LimitReader(in, maxText+1))
	if err != nil {
		return err
	}
	if len(b) > maxText {
		return fmt.Errorf("it has more than %d bytes", maxText)
	}
	text := string(b)
	r := Look(s.screen, text, d)
	s.found = s.found || r.Action != "pass" && r.Action != "log"
	fmt.Fprintf(s.out, "%s: %s (score %.2f)\n", show.Line(name, 200), r.Action, r.Score)
	for _, f := range r.Findings {
		line := 1 + strings.Count(text[:f.Start], "\n")
		what := text[f.Start:f.End]
		if f.Shown != "" {
			what = f.Shown
		}
		fmt.Fprintf(s.out, "  line %d: %s, %s: %s\n", line, f.Family, f.Rule, show.Line(what, 160))
	}
	return nil
}

// lines answers records line by line, in their order.
func (s *scanner) lines(_ string, in io.Reader, d screen.Direction) error {
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
		r := Look(s.screen, rec.Text, own)
		r.ID = rec.ID
		if err := write.Encode(r); err != nil {
			return err
		}
	}
	return lines.Err()
}

// Look screens one text. Arguments are also read as what they may do: what has no
// everyday meaning, or two things that have one, refuse; one alone is logged.
func Look(s *screen.Screen, text string, d screen.Direction) Result {
	v := s.Text(text, d)
	r := Result{Score: v.Score, Findings: []Finding{}}
	action := v.Action
	for _, f := range v.Findings {
		r.Findings = append(r.Findings, Finding{Family: f.Family, Rule: f.Rule, Start: f.Start, End: f.End, Shown: f.Decoded, Hidden: f.Hidden})
	}
	if d == screen.Arguments {
		found := danger.Text(text)
		act, score := weigh(found)
		action, r.Score = min(action, act), max(r.Score, score)
		for _, f := range found {
			r.Findings = append(r.Findings, Finding{Family: "danger", Rule: f.Rule, Start: f.Start, End: f.End, Shown: f.Decoded})
		}
	}
	r.Action = action.String()
	return r
}

func weigh(found []danger.Finding) (screen.Action, float64) {
	rules := map[string]bool{}
	for _, f := range found {
		if f.Strong {
			return screen.Refuse, 0.95
		}
		if f.Kind != "document" { // documents quote
			rules[f.Rule] = true
		}
	}
	switch {
	case len(found) == 0:
		return screen.Pass, 0
	case len(rules) < 2:
		return screen.Log, 0.3
	}
	return screen.Refuse, 0.7
}
