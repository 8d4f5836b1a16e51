package classify

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"sallyport/proxy/wire"
)

// format is how a text is put and how a score is read.
type format struct {
	body  func(text, direction string) []byte
	value func(raw []byte) (float64, error) // an error says nothing of raw
}

// newFormat finds a format by its name.
func newFormat(name string, labels []string) (format, error) {
	switch name {
	case "", "sallyport":
		if len(labels) > 0 {
			return format{}, errors.New(`labels belong to the format "tei". Leave them out, or write format = "tei"`)
		}
		return format{plainBody, plainValue}, nil
	case "tei":
		if labels == nil {
			labels = []string{"INJECTION", "injection", "LABEL_1", "malicious", "jailbreak", "JAILBREAK"}
		}
		if len(labels) == 0 || slices.Contains(labels, "") {
			return format{}, errors.New("labels must name the model's labels that count as an injection. Leave them out for the usual ones")
		}
		return format{teiBody, func(raw []byte) (float64, error) { return teiValue(raw, labels) }}, nil
	}
	return format{}, fmt.Errorf(`%.40q is not a format. Write "sallyport" or "tei"`, name)
}

// gap stands where a text was cut, so that its ends do not make a word together.
const gap = "\n…\n"

// cut keeps both ends of a text that is longer than most bytes. No rune of valid
// UTF-8 is cut in two.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	half := (most - len(gap)) / 2
	head, tail := half, len(text)-half
	for range utf8.UTFMax - 1 {
		if !utf8.RuneStart(text[head]) {
			head--
		}
		if tail < len(text) && !utf8.RuneStart(text[tail]) {
			tail++
		}
	}
	return text[:head] + gap + text[tail:]
}

func plainBody(text, direction string) []byte {
	b := wire.Quote([]byte(`{"text":`), text)
	b = wire.Quote(append(b, `,"direction":`...), direction)
	return append(b, '}')
}

func teiBody(text, _ string) []byte {
	return append(wire.Quote([]byte(`{"inputs":`), text), `,"truncate":true}`...)
}

// Why an answer is none.
var (
	errJSON  = errors.New("its answer is not JSON, or not JSON that can be read in one way only")
	errScore = errors.New("its score is not a number from 0 to 1")
	errPlain = errors.New(`its answer is not {"score": NUMBER}`)
	errTEI   = errors.New(`its answer is not a list of {"score": NUMBER, "label": TEXT}`)
	errTwice = errors.New("it gives a label twice")
	errLabel = errors.New("it gives none of the labels that count: set labels to those of the model")
)

func checked(raw []byte) error {
	if wire.Check(raw, wire.Bounds{Message: maxAnswer, Depth: 4}) != nil {
		return errJSON
	}
	return nil
}

// score reads a number from 0 to 1, which NaN is not.
func score(raw []byte) (float64, error) {
	v, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, errScore
	}
	return v, nil
}

func plainValue(raw []byte) (float64, error) {
	if err := checked(raw); err != nil {
		return 0, err
	}
	var number []byte
	for key, value := range wire.Members(raw) {
		if key != "score" {
			return 0, errPlain // an error beside a score, perhaps
		}
		number = value
	}
	if number == nil {
		return 0, errPlain
	}
	return score(number)
}

// teiValue is the sum of the labels that count. A model gives each text one of its
// labels, so that the sum is how likely it is to be any of those.
func teiValue(raw []byte, labels []string) (float64, error) {
	if err := checked(raw); err != nil {
		return 0, err
	}
	list := slices.Collect(wire.Elements(raw))
	if len(list) == 1 { // a list for each text, as for a batch
		if inner := slices.Collect(wire.Elements(list[0])); len(inner) > 0 {
			list = inner
		}
	}
	if len(list) == 0 {
		return 0, errTEI
	}
	sum, counted := 0.0, false
	seen := map[string]bool{}
	for _, one := range list {
		label, value, err := prediction(one)
		if err != nil {
			return 0, err
		}
		if seen[label] {
			return 0, errTwice
		}
		seen[label] = true
		if slices.Contains(labels, label) {
			sum, counted = sum+value, true
		}
	}
	if !counted {
		return 0, errLabel // a control that is set up wrongly must not look like a clean text
	}
	return min(sum, 1), nil // single precision may end a little above
}

func prediction(raw []byte) (label string, value float64, err error) {
	var number []byte
	named := false
	for key, member := range wire.Members(raw) {
		switch key {
		case "score":
			number = member
		case "label":
			label, named = wire.Text(member)
		default:
			return "", 0, errTEI
		}
	}
	if number == nil || !named {
		return "", 0, errTEI
	}
	value, err = score(number)
	return label, value, err
}
