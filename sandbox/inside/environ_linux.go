package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
)

// environ is variables by name.
type environ map[string]string

// environment is the command's.
func (e entry) environment() (environ, error) {
	env := environ{}
	if !e.prefixed {
		env.add(os.Environ())
	}
	env["HOME"] = "/tmp" // the one place that can be written to
	if e.prefixed {
		for _, kv := range os.Environ() {
			if kv, ok := strings.CutPrefix(kv, VarPrefix); ok {
				env.add([]string{kv})
			}
		}
	}
	if e.env {
		given, err := readEnv(os.Stdin)
		if err != nil {
			return nil, fmt.Errorf("reading the environment: %w", err)
		}
		env.add(given)
	}
	return env, nil
}

func (e environ) add(pairs []string) {
	for _, kv := range pairs {
		if name, value, ok := strings.Cut(kv, "="); ok {
			e[name] = value
		}
	}
}

// proxy says where the way out is, to all who ask in their own way. It overrules
// what was given: there is no other way.
func (e environ) proxy(url string) {
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		e[name], e[strings.ToUpper(name)] = url, url
	}
	const here = "localhost,127.0.0.1,::1"
	e["no_proxy"], e["NO_PROXY"] = here, here
	if _, given := e["NODE_USE_ENV_PROXY"]; !given {
		e["NODE_USE_ENV_PROXY"] = "1" // else Node does not look at the others
	}
}

// list has the prefix before each name.
func (e environ) list(prefix string) []string {
	var l []string
	for _, name := range slices.Sorted(maps.Keys(e)) {
		l = append(l, prefix+name+"="+e[name])
	}
	return l
}

// readEnv reads the environment and not a byte more: what follows is the command's.
func readEnv(r io.Reader) ([]string, error) {
	var digits [8]byte
	if _, err := io.ReadFull(r, digits[:]); err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(string(digits[:]), 16, 32)
	if err != nil || n > EnvLimit {
		return nil, errors.New("its length cannot be read, or is too large")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	var env []string
	if err := json.Unmarshal(body, &env); err != nil {
		return nil, errors.New("it is not a list of strings")
	}
	return env, nil
}
