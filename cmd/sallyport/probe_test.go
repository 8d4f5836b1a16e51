//go:build unix

package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// A probeServer is an MCP server on stdin and stdout that tells what reached it.
type probeServer struct {
	record *os.File // gets the mark of each call before it is answered
	tools  string   // JSON of what it lists
	mute   bool     // it answers nothing
}

// probe is the program of that name.
func probe() {
	f := flag.NewFlagSet("probe", flag.ExitOnError)
	exit := f.Int("exit", -1, "say a last word and exit at once with this `CODE`")
	record := f.String("record", "", "append the mark of each call to this `FILE`")
	spawn := f.String("spawn", "", "leave a process behind: in the same \"group\", or \"detached\" in a session of its own")
	stubborn := f.Bool("stubborn", false, "outlive the end of the input and every signal that can be ignored")
	tools := f.String("tools", "", "list the tools of this `FILE`")
	mute := f.Bool("mute", false, "answer nothing")
	linger := f.Bool("linger", false, "be the process that is left behind")
	_ = f.Parse(os.Args[1:])
	if *exit >= 0 {
		fmt.Fprintln(os.Stderr, "the disk is on fire")
		os.Exit(*exit)
	}
	if *stubborn || *linger {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	if *linger {
		fmt.Println("ready")
		select {}
	}
	if *spawn != "" {
		if err := leave(*spawn == "detached"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	s := &probeServer{tools: probeTools, mute: *mute}
	if *tools != "" {
		b, err := os.ReadFile(*tools)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		s.tools = string(b)
	}
	if *record != "" {
		var err error
		if s.record, err = os.OpenFile(*record, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		// Held as long as we live: who gets the lock for himself knows that we are gone.
		_ = syscall.Flock(int(s.record.Fd()), syscall.LOCK_SH)
	}
	s.serve()
	if *stubborn {
		select {}
	}
}

// leave starts a process that ends only when it is killed, and returns once it
// is there. It does not share the server's output, and so holds no pipe open.
func leave(detached bool) error {
	self, err := exec.LookPath("probe")
	if err != nil {
		return err
	}
	c := exec.Command(self, "-linger")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: detached}
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	return err
}

type probeMessage struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Name            string          `json:"name"`
		ProtocolVersion string          `json:"protocolVersion"`
		Arguments       json.RawMessage `json:"arguments"`
	} `json:"params"`
}

// probeTools: none says anything of its risk.
const probeTools = `{"tools":[
 {"name":"echo","description":"Answers with its arguments.","inputSchema":{"type":"object"}},
 {"name":"store","description":"Answers with its arguments.","inputSchema":{"type":"object"}},
 {"name":"list_environ","description":"Names all variables of its environment.","inputSchema":{"type":"object"}},
 {"name":"get_digest","description":"Answers with the SHA-256 of a variable.","inputSchema":{"type":"object"}},
 {"name":"crash","description":"Ends the server.","inputSchema":{"type":"object"}}]}`

func (s *probeServer) serve() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var m probeMessage
		if err := json.Unmarshal(in.Bytes(), &m); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if m.ID == nil || s.mute {
			continue
		}
		fmt.Printf(`{"jsonrpc":"2.0","id":%s,%s}`+"\n", m.ID, s.answer(m))
	}
}

func (s *probeServer) answer(m probeMessage) string {
	switch m.Method {
	case "initialize":
		return `"result":{"protocolVersion":"` + m.Params.ProtocolVersion + `","capabilities":{"tools":{}},"serverInfo":{"name":"probe","version":"1"}}`
	case "ping":
		return `"result":{}`
	case "tools/list":
		return `"result":` + strings.ReplaceAll(s.tools, "\n", "")
	case "tools/call":
		text, _ := json.Marshal(s.call(m.Params.Name, m.Params.Arguments))
		return `"result":{"content":[{"type":"text","text":` + string(text) + `}]}`
	default:
		return `"error":{"code":-32601,"message":"Method not found"}`
	}
}

func (s *probeServer) call(tool string, arguments json.RawMessage) string {
	var args struct{ Name, Mark string }
	_ = json.Unmarshal(arguments, &args)
	if s.record != nil {
		fmt.Fprintln(s.record, args.Mark)
	}
	switch tool {
	case "list_environ":
		var names []string
		for _, v := range os.Environ() {
			name, _, _ := strings.Cut(v, "=")
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	case "get_digest":
		value, ok := os.LookupEnv(args.Name)
		if !ok {
			return args.Name + " is not set"
		}
		sum := sha256.Sum256([]byte(value))
		return args.Name + " has the digest " + hex.EncodeToString(sum[:])
	case "crash":
		fmt.Fprintln(os.Stderr, "the disk is on fire")
		os.Exit(3)
	}
	return string(arguments)
}
