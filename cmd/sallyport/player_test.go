//go:build unix

package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// patience bounds every wait of the tests. Nothing is measured by it.
const patience = 30 * time.Second

// A stay is a program that is spoken to over its stdin and stdout, as a client
// speaks to its server.
type stay struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *os.File
	lines   *bufio.Reader
	asked   int
	person  string // how the client's user answers forms; empty: the client shows none
	watched []process
}

// player plays a client: player SCRIPT COMMAND [ARG…] starts the command, does
// what the script says line by line, and prints what came of it.
//
//	person ANSWER        from here on the client shows forms, and its user answers
//	                     so: accept, decline, cancel
//	init                 the handshake
//	list                 list the tools
//	call TOOL [JSON]     call a tool
//	retry TOOL [JSON]    call a tool until it succeeds
//	begin TOOL [JSON]    call a tool, and do not wait
//	finish               wait for what was begun
//	question COMMAND …   run a program with the id of the question that waits for {}
//	send JSON            send a line, and expect no answer
//	run COMMAND [ARG…]   run another program meanwhile
//	exists FILE          wait until there is such a file
//	ps                   print the command lines of all processes below
//	watch                remember all processes below
//	signal NAME          TERM, INT, HUP or KILL to the command
//	eof                  close its input
//	deafen               close its output
//	wait                 wait for its end
//	gone                 wait until none of the watched processes is left
//	alone                wait until no other process works in this folder
func player() {
	if len(os.Args) < 3 {
		fatal("usage: player SCRIPT COMMAND [ARG…]")
	}
	script, err := os.ReadFile(os.Args[1])
	if err != nil {
		fatal("%v", err)
	}
	s, err := begin(exec.Command(os.Args[2], os.Args[3:]...))
	if err != nil {
		fatal("%v", err)
	}
	for line := range strings.Lines(string(script)) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if verb == "" || verb[0] == '#' {
			continue
		}
		if err := s.do(verb, rest); err != nil {
			for _, p := range append(s.watched, below(os.Getpid())...) {
				p.kill()
			}
			fatal("%s: %v", verb, err)
		}
	}
	if s.cmd.ProcessState == nil {
		_ = s.in.Close()
		s.wait()
	}
}

func fatal(format string, a ...any) {
	fmt.Fprintf(os.Stderr, "player: "+format+"\n", a...)
	os.Exit(1)
}

// begin starts a program. Its standard error is ours, if nothing else was said.
func begin(c *exec.Cmd) (*stay, error) {
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	return &stay{cmd: c, in: in, out: out.(*os.File), lines: bufio.NewReader(out)}, c.Start()
}

func (s *stay) do(verb, rest string) error {
	switch verb {
	case "init", "list", "call", "retry", "send", "begin", "finish":
		return s.speak(verb, rest)
	case "person":
		s.person = rest
	case "question":
		id, err := question()
		if err != nil {
			return err
		}
		return s.do("run", strings.ReplaceAll(rest, "{}", id))
	case "run":
		words := strings.Fields(os.ExpandEnv(rest))
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		fmt.Printf("%s", out)
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			return err
		}
		fmt.Println(filepath.Base(words[0]), "exited with", exitStatus(err))
	case "exists":
		for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			if _, err := os.Stat(rest); err == nil {
				return nil
			} else if time.Now().After(end) {
				return err
			}
		}
	case "ps":
		for _, p := range below(os.Getpid()) {
			fmt.Println("process", p.words)
		}
	case "watch":
		s.watched = below(os.Getpid())
		fmt.Println("watching", len(s.watched), "processes")
	case "signal":
		name := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}[rest]
		return s.cmd.Process.Signal(name)
	case "eof":
		return s.in.Close()
	case "deafen":
		return s.out.Close()
	case "wait":
		s.wait()
	case "gone":
		for _, p := range s.watched {
			if !p.ends() {
				return fmt.Errorf("still running: %s", p.words)
			}
		}
		fmt.Println("nothing is left")
	case "alone":
		for _, p := range beside() {
			if !p.ends() {
				return fmt.Errorf("still running: %s", p.words)
			}
		}
		fmt.Println("nothing is left")
	default:
		return errors.New("no such instruction")
	}
	return nil
}

// speak sends one message; one that asks is answered before it returns.
func (s *stay) speak(verb, rest string) error {
	switch verb {
	case "init":
		capabilities := `{}`
		if s.person != "" {
			capabilities = `{"elicitation":{}}`
		}
		a, err := s.ask("initialize", `{"protocolVersion":"2025-06-18","capabilities":`+capabilities+`,"clientInfo":{"name":"player","version":"1"}}`)
		if err != nil {
			return err
		}
		fmt.Println("init:", a.words())
		return s.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	case "list":
		a, err := s.ask("tools/list", `{}`)
		if err != nil {
			return err
		}
		fmt.Println("tools:", a.words())
	case "call", "retry":
		tool, args, _ := strings.Cut(rest, " ")
		if args == "" {
			args = "{}"
		}
		a, err := s.call(tool, args)
		for end := time.Now().Add(patience); verb == "retry" && err == nil && !a.ok() && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond) // as "try again later" asks
			a, err = s.call(tool, args)
		}
		if err != nil {
			return err
		}
		fmt.Printf("%s: %s\n", tool, a.words())
	case "begin":
		tool, args, _ := strings.Cut(rest, " ")
		s.asked++
		return s.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, s.asked, tool, cmp.Or(args, "{}")))
	case "finish":
		a, err := s.await()
		if err != nil {
			return err
		}
		fmt.Println("finished:", a.words())
	default:
		return s.send(rest)
	}
	return nil
}

// question is the id of the only question that waits at any desk of this user.
func question() (string, error) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out, err := exec.Command(os.Getenv("SALLYPORT"), "approvals", "--json").Output()
		if err != nil {
			return "", err
		}
		var all struct {
			Proxies []struct{ Waiting []struct{ ID string } }
		}
		if err := json.Unmarshal(out, &all); err != nil {
			return "", err
		}
		if len(all.Proxies) == 1 && len(all.Proxies[0].Waiting) == 1 {
			return all.Proxies[0].Waiting[0].ID, nil
		}
	}
	return "", errors.New("no question waits")
}

func (s *stay) call(tool, args string) (answer, error) {
	return s.ask("tools/call", fmt.Sprintf(`{"name":%q,"arguments":%s}`, tool, args))
}

func (s *stay) send(line string) error {
	_, err := io.WriteString(s.in, line+"\n")
	return err
}

// An answer is what the player understands of one.
type answer struct {
	ID     *int
	Method string
	Params struct{ Message string }
	Error  *struct {
		Code    int
		Message string
	}
	Result struct {
		IsError    bool
		Content    []struct{ Text string }
		Tools      []struct{ Name string }
		ServerInfo struct{ Name string }
	}
}

// ask sends a request and waits for its answer.
func (s *stay) ask(method, params string) (answer, error) {
	s.asked++
	if err := s.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, s.asked, method, params)); err != nil {
		return answer{}, err
	}
	return s.await()
}

// await reads until the last request is answered, and has the client's user
// answer forms meanwhile.
func (s *stay) await() (answer, error) {
	for {
		a, err := s.read()
		if err != nil || a.Method == "" && a.ID != nil && *a.ID == s.asked {
			return a, err
		}
		if a.Method != "elicitation/create" {
			continue
		}
		for line := range strings.Lines(a.Params.Message) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Tool" {
				fmt.Println("asked about", f[1])
			}
		}
		if err := s.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"action":%q}}`, *a.ID, s.person)); err != nil {
			return a, err
		}
	}
}

func (s *stay) read() (answer, error) {
	_ = s.out.SetReadDeadline(time.Now().Add(patience))
	line, err := s.lines.ReadBytes('\n')
	if err != nil {
		return answer{}, err
	}
	var a answer
	return a, json.Unmarshal(line, &a)
}

func (a answer) ok() bool { return a.Error == nil && !a.Result.IsError }

func (a answer) words() string {
	var words []string
	switch {
	case a.Error != nil:
		return fmt.Sprintf("error %d: %s", a.Error.Code, a.Error.Message)
	case a.Result.IsError:
		words = append(words, "not ok:")
	default:
		words = append(words, "ok:")
	}
	for _, c := range a.Result.Content {
		words = append(words, c.Text)
	}
	for _, t := range a.Result.Tools {
		words = append(words, t.Name)
	}
	return strings.TrimSpace(strings.Join(append(words, a.Result.ServerInfo.Name), " "))
}

// wait prints how the program ended. One that does not end is killed.
func (s *stay) wait() {
	impatient := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer impatient.Stop()
	fmt.Println("exited with", exitStatus(s.cmd.Wait()))
}

// exitStatus is an exit code, or the name of a signal.
func exitStatus(err error) string {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return "0"
	case !errors.As(err, &exit):
		return err.Error()
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return status.Signal().String()
	}
	return fmt.Sprint(exit.ExitCode())
}
