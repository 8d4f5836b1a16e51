package engine

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"sallyport/sandbox/box"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/mount"
)

// Inside is what is put in front of an upstream's command. It forbids more system
// calls than an engine does, hence it is put there also where nothing else is asked of it.
// The zero Inside is nothing.
type Inside struct {
	Self   string // our executable, on the host; empty: nothing
	Env    bool   // the environment comes in by standard input
	Egress string // folder on the host with the socket that leads out; empty: none
}

func (in Inside) needed() bool { return in.Self != "" }

// mounts is what the plan needs to see of the host.
func (in Inside) mounts() []box.Mount {
	if !in.needed() {
		return nil
	}
	m := []box.Mount{{Source: in.Self, Target: inside.Self}}
	if in.Egress != "" {
		m = append(m, box.Mount{Source: in.Egress, Target: inside.Egress})
	}
	return m
}

// wrap puts our executable in front of the command. It is told the limit on processes as
// well: not every OCI runtime's kernel has it from the engine.
func (in Inside) wrap(command []string, pids int) []string {
	if !in.needed() {
		return command
	}
	w := []string{inside.Self, inside.Word, "--pids=" + strconv.Itoa(pids)}
	if in.Env {
		w = append(w, "--env")
	}
	if in.Egress != "" {
		w = append(w, "--egress="+inside.Egress+"/"+inside.EgressSocket, "--port="+strconv.Itoa(inside.EgressPort))
	}
	return append(append(w, "--"), command...)
}

// handOver is the environment as the executable within reads it: the length in
// eight hexadecimal digits, then that many bytes of JSON. It is read to the byte, so
// that what follows is the command's.
func handOver(env []string) ([]byte, error) {
	if env == nil {
		env = []string{}
	}
	body, err := json.Marshal(env)
	if err != nil || len(body) > inside.EnvLimit {
		return nil, fmt.Errorf("the environment has %d bytes, at most %d: %w", len(body), inside.EnvLimit, err)
	}
	return append(fmt.Appendf(nil, "%08x", len(body)), body...), nil
}

// Self is our own executable, as something that runs in an empty box. The zero
// Self says that there is none.
type Self struct {
	Path string
	Why  string // why there is none
}

// SelfOf looks whether the executable needs nothing but a kernel.
func SelfOf(path string) Self {
	if path == "" {
		return Self{Why: "no executable was named"}
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Self{Why: err.Error()}
	}
	f, err := os.Open(real)
	if err != nil {
		return Self{Why: err.Error()}
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil {
		return Self{Why: fmt.Sprintf("%s is no Linux program: %v", real, err)}
	}
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			return Self{Why: real + " is not static (build it with CGO_ENABLED=0)"}
		}
	}
	if want := machines[runtime.GOARCH]; program.Machine != want {
		return Self{Why: fmt.Sprintf("%s is for %s", real, program.Machine)}
	}
	if !mount.Sayable(real) {
		return Self{Why: fmt.Sprintf("the path %q cannot be written in a mount", real)}
	}
	return Self{Path: real}
}

// machines is what the engines' machines are where this program runs.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "386": elf.EM_386, "arm": elf.EM_ARM,
	"riscv64": elf.EM_RISCV, "ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390, "loong64": elf.EM_LOONGARCH,
}
