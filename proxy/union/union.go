// Package union makes one answer of what several servers say of themselves.
//
// What they say is hostile: all of it is decoded as JSON and nothing is believed
// of its shape.
package union

import (
	"slices"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"

	"sallyport/proxy/wire"
)

// Said is one server's answer to initialize or server/discover.
type Said struct {
	Server string
	Result []byte // raw JSON; nil if it did not answer as asked
}

// Lowest is the lowest of the revisions that the servers settled on, or empty
// if none did.
func Lowest(answers []Said) string {
	lowest := ""
	for _, a := range answers {
		v, ok := wire.Text(wire.Get(a.Result, "protocolVersion"))
		if ok && (lowest == "" || v < lowest) {
			lowest = v
		}
	}
	return lowest
}

// Common are the revisions that all who answered speak, in the first one's
// order. It reports false if nobody answered.
func Common(answers []Said) (versions []string, ok bool) {
	common := []string{}
	for _, a := range answers {
		if a.Result == nil {
			continue
		}
		var own []string
		for raw := range wire.Elements(wire.Get(a.Result, "supportedVersions")) {
			if v, isText := wire.Text(raw); isText {
				own = append(own, v)
			}
		}
		if !ok {
			common, ok = append(common, own...), true
			continue
		}
		common = slices.DeleteFunc(common, func(v string) bool { return !slices.Contains(own, v) })
	}
	return common, ok
}

// Of is a result with the capabilities that any of the servers has, and the
// instructions of all, each under its server's name.
func Of(answers []Said) map[string]any {
	capabilities := map[string]any{}
	var instructions []string
	for _, a := range answers {
		v, _ := wire.Decode(wire.Get(a.Result, "capabilities"))
		if m, ok := v.(map[string]any); ok {
			unite(capabilities, m)
		}
		if text, ok := wire.Text(wire.Get(a.Result, "instructions")); ok && text != "" {
			instructions = append(instructions, "# "+a.Server+"\n"+text)
		}
	}
	m := map[string]any{"capabilities": capabilities}
	if len(instructions) > 0 {
		m["instructions"] = strings.Join(instructions, "\n\n")
	}
	return m
}

// Greeting is the result of initialize for all that answered.
func Greeting(answers []Said, version string) map[string]any {
	m := Of(answers)
	m["protocolVersion"], m["serverInfo"] = Lowest(answers), info(version)
	return m
}

// Discovery is the result of server/discover for all that answered; it reports
// false if nobody did.
func Discovery(answers []Said, version string) (map[string]any, bool) {
	common, ok := Common(answers)
	m := Of(answers)
	m["resultType"], m["supportedVersions"] = "complete", common
	m["ttlMs"], m["cacheScope"] = 0, "private"
	m["_meta"] = map[string]any{mcp.MetaKeyServerInfo: info(version)}
	return m, ok
}

func info(version string) map[string]any {
	return map[string]any{"name": "sallyport", "version": version}
}

// unite adds what into lacks. A false counts as lacking.
func unite(into, from map[string]any) {
	for key, v := range from {
		a, isMap := into[key].(map[string]any)
		b, too := v.(map[string]any)
		switch {
		case isMap && too:
			unite(a, b)
		case into[key] == nil || into[key] == false:
			into[key] = v
		}
	}
}
