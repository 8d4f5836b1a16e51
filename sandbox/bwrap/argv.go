package bwrap

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"sallyport/sandbox/box"
	"sallyport/sandbox/inside"
)

// The descriptors that bubblewrap is started with.
const (
	argsFile    = 3 + iota // its options, each ended by a zero byte
	seccompFile            // the program that judges system calls
	holdFile               // it waits for a byte from here before it runs the command
	infoFile               // it says here which process is the first within
	firstText              // texts that become files within
)

const (
	usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	hostname  = "box"
)

// Line is a call of bubblewrap.
type Line struct {
	Argv   []string // shown in any list of processes
	Hidden []string // options, by argsFile
	Texts  []string // by the descriptors from firstText on
}

// composer gathers a Line.
type composer struct {
	host   Host
	spec   box.Spec
	egress string // folder of the host with the socket that leads out; empty: there is no way out
	line   Line
	made   map[string]bool // folders within that are there
}

// Compose says how to call bubblewrap for the command and its environment
// (NAME=value). Egress is a folder of the host with the socket that leads out
// (inside.EgressSocket), or empty. It looks at nothing but its arguments.
func Compose(h Host, s box.Spec, argv, env []string, egress string) (Line, error) {
	s.Limits = s.Limits.OrDefault()
	if s.User == (box.User{}) {
		s.User = s.User.OrNobody() // half of one is refused below
	}
	c := &composer{host: h, spec: s, egress: egress, made: map[string]bool{"/": true, "/tmp": true}}
	if err := c.check(argv); err != nil {
		return Line{}, err
	}
	if err := checkEnv(env); err != nil {
		return Line{}, err
	}
	c.namespaces()
	c.view()
	c.system()
	c.mounts()
	c.environment(env)
	c.add("--chdir", orElse(s.Dir, "/tmp"))
	c.add("--seccomp", strconv.Itoa(seccompFile))
	c.add("--block-fd", strconv.Itoa(holdFile))
	c.add("--info-fd", strconv.Itoa(infoFile))
	if slices.ContainsFunc(c.line.Hidden, func(s string) bool { return strings.ContainsRune(s, 0) }) {
		return Line{}, errors.New("a path of the box contains a NUL byte") // it would begin another option
	}
	c.line.Argv = append([]string{h.Bwrap, "--args", strconv.Itoa(argsFile), "--"}, c.entry(argv)...)
	return c.line, nil
}

func (c *composer) check(argv []string) error {
	s := c.spec
	switch {
	case len(argv) == 0 || argv[0] == "":
		return errors.New("no command given")
	case s.User.UID <= 0 || s.User.GID <= 0:
		return fmt.Errorf("user %d:%d: neither may be 0 or less in a bubblewrap box", s.User.UID, s.User.GID)
	case min(s.Limits.Memory, s.Limits.Scratch, s.Limits.Shm, int64(s.Limits.CPU), int64(s.Limits.PIDs), int64(s.Limits.Files)) <= 0:
		return fmt.Errorf("limits %+v: none may be less than 0", s.Limits) // to the kernel, -1 is no limit
	case s.Image != "" || s.Class != "":
		return errors.New("an image or a runtime class needs a container engine: bubblewrap shows the host's programs")
	case s.Dir != "" && !path.IsAbs(s.Dir):
		return fmt.Errorf("working directory %q is not absolute", s.Dir)
	case len(s.Egress) > 0 && c.egress == "":
		return errors.New("an egress list needs a proxy behind a socket, and there is none")
	case len(s.Egress) == 0 && c.egress != "":
		return errors.New("a way out without an egress list")
	case c.egress != "" && !path.IsAbs(c.egress):
		return fmt.Errorf("the folder of the way out, %q, is not absolute", c.egress)
	}
	for _, m := range s.Mounts {
		if err := c.checkMount(m); err != nil {
			return err
		}
	}
	return c.checkProgram(argv[0])
}

// taken are the places within that are ours to make. What lies below /tmp may be
// mounted, what lies below the others would uncover or cover too much.
var taken = []string{"/proc", "/dev", "/sys", inside.Folder, "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"}

func (c *composer) checkMount(m box.Mount) error {
	switch {
	case !path.IsAbs(m.Source) || !path.IsAbs(m.Target):
		return fmt.Errorf("mount of %q at %q: both must be absolute", m.Source, m.Target)
	case path.Clean(m.Target) != m.Target || m.Target == "/" || m.Target == "/tmp":
		return fmt.Errorf("mount at %q: not a place below the root or below /tmp", m.Target)
	}
	overlaps := func(p string) bool { return under(m.Target, p) || under(p, m.Target) }
	if i := slices.IndexFunc(taken, overlaps); i >= 0 {
		return fmt.Errorf("mount at %q: %s is the box's own", m.Target, taken[i])
	}
	if i := slices.IndexFunc(c.host.View, func(p Place) bool { return overlaps(p.Path) }); i >= 0 {
		return fmt.Errorf("mount at %q: %s is the host's, and read-only", m.Target, c.host.View[i].Path)
	}
	return nil
}

// checkProgram refuses a program that cannot be there: bubblewrap's own words
// for it name no remedy.
func (c *composer) checkProgram(name string) error {
	if !strings.Contains(name, "/") {
		return nil
	}
	if !path.IsAbs(name) {
		if c.spec.Dir == "" {
			return fmt.Errorf("command %q is relative, and there is no working directory for it: give its full path", name)
		}
		name = path.Join(c.spec.Dir, name)
	}
	there := slices.ContainsFunc(c.host.View, func(p Place) bool { return under(name, p.Path) }) ||
		slices.ContainsFunc(c.spec.Mounts, func(m box.Mount) bool { return under(name, m.Target) })
	if !there {
		return fmt.Errorf("command %q is not in the box: mount the folder that it is in", name)
	}
	return nil
}

// checkEnv refuses what is no environment. A value never reaches an error.
func checkEnv(env []string) error {
	seen := make(map[string]bool, len(env))
	for i, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		switch {
		case !ok || name == "" || strings.ContainsRune(name, 0):
			return fmt.Errorf("environment entry %d is not NAME=value", i)
		case strings.ContainsRune(value, 0):
			return fmt.Errorf("environment variable %s contains a NUL byte", name)
		case seen[name]:
			return fmt.Errorf("environment variable %s is set twice", name)
		}
		seen[name] = true
	}
	return nil
}

// under reports whether p is dir or below it.
func under(p, dir string) bool {
	p = path.Clean(p)
	return p == dir || strings.HasPrefix(p, dir+"/")
}

func (c *composer) namespaces() {
	// One by one: "all" would include a user namespace, which root must not have.
	c.add("--unshare-ipc")
	c.add("--unshare-pid")
	c.add("--unshare-net")
	c.add("--unshare-uts")
	c.add("--unshare-cgroup-try")
	c.add("--die-with-parent")
	c.add("--new-session")
	c.add("--hostname", hostname)
	c.add("--cap-drop", "ALL")
	if c.host.Root {
		// What our own program within needs to leave root, and gives up with it.
		c.add("--cap-add", "CAP_SETUID")
		c.add("--cap-add", "CAP_SETGID")
		c.add("--cap-add", "CAP_SETPCAP")
		return
	}
	c.add("--unshare-user")
	c.add("--disable-userns")
	c.add("--uid", strconv.Itoa(c.spec.User.UID))
	c.add("--gid", strconv.Itoa(c.spec.User.GID))
}

// view shows what the host has for everybody, and files of our own in the place
// of those that tell of the host.
func (c *composer) view() {
	for _, p := range c.host.View {
		c.parents(p.Path)
		if p.Link != "" {
			c.add("--symlink", p.Link, p.Path)
		} else {
			c.add("--ro-bind", p.Path, p.Path)
		}
	}
	u := c.spec.User
	c.text("/etc/passwd", fmt.Sprintf("root:x:0:0:root:/:/usr/sbin/nologin\nbox:x:%d:%d:box:/tmp:/usr/sbin/nologin\n", u.UID, u.GID))
	c.text("/etc/group", fmt.Sprintf("root:x:0:\nbox:x:%d:\n", u.GID))
	c.text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
	c.text("/etc/hosts", "127.0.0.1 localhost "+hostname+"\n::1 localhost\n")
	// Without it resolvers ask 127.0.0.1; there is nobody, which is soon told.
	c.text("/etc/resolv.conf", "")
}

// system mounts what the kernel and memory give.
func (c *composer) system() {
	c.add("--proc", "/proc")
	for _, p := range c.host.Masks {
		if p.Folder {
			c.add("--perms", "0555", "--size", "4096", "--tmpfs", p.Path)
			c.add("--remount-ro", p.Path)
		} else {
			c.add("--ro-bind", "/dev/null", p.Path) // and no device there, so not even to be opened
		}
	}
	c.add("--dev", "/dev")
	c.add("--remount-ro", "/dev") // a tmpfs without a bound; what is mounted in it stays as it is
	c.add("--perms", "1777", "--size", strconv.FormatInt(c.spec.Limits.Shm, 10), "--tmpfs", "/dev/shm")
	c.add("--perms", "1777", "--size", strconv.FormatInt(c.spec.Limits.Scratch, 10), "--tmpfs", "/tmp")
}

func (c *composer) mounts() {
	for _, m := range c.spec.Mounts {
		c.parents(m.Target)
		if m.Write {
			c.add("--bind", m.Source, m.Target)
		} else {
			c.add("--ro-bind", m.Source, m.Target)
		}
	}
	if c.inside() {
		c.parents(inside.Self)
		c.add("--ro-bind", c.host.Self, inside.Self)
	}
	if c.egress != "" {
		c.add("--ro-bind", c.egress, inside.Egress)
	}
	c.add("--remount-ro", "/")
}

// environment sets the variables, and no others; later ones win. Our own program
// within gets them under other names, and adds those for the way out.
func (c *composer) environment(env []string) {
	prefix := ""
	if c.inside() {
		prefix = inside.VarPrefix
	}
	set := func(name, value string) { c.add("--setenv", prefix+name, value) }
	set("PATH", usualPath)
	set("HOME", "/tmp")
	set("TMPDIR", "/tmp")
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		set(name, value)
	}
}

// startsInside says whether our own program is the first within.
func startsInside(h Host, egress string) bool { return h.Root || egress != "" }

func (c *composer) inside() bool { return startsInside(c.host, c.egress) }

// entry is what bubblewrap runs.
func (c *composer) entry(argv []string) []string {
	if !c.inside() {
		return argv
	}
	entry := []string{inside.Self, inside.Word, "--prefixed"}
	if c.host.Root {
		entry = append(entry, fmt.Sprintf("--user=%d:%d", c.spec.User.UID, c.spec.User.GID))
	}
	if c.egress != "" {
		entry = append(entry, "--egress="+path.Join(inside.Egress, inside.EgressSocket), "--port="+strconv.Itoa(inside.EgressPort))
	}
	if c.host.data > 0 {
		entry = append(entry, fmt.Sprintf("--data=%d", c.host.data))
	}
	return append(append(entry, "--"), argv...)
}

func (c *composer) add(words ...string) { c.line.Hidden = append(c.line.Hidden, words...) }

// parents makes the folders that a place is in, for everybody to pass through:
// bubblewrap would make them for their owner, which may be root.
func (c *composer) parents(of string) {
	dir := path.Dir(of)
	if c.made[dir] {
		return
	}
	c.parents(dir)
	c.made[dir] = true
	c.add("--perms", "0755", "--dir", dir)
}

func (c *composer) text(at, text string) {
	c.parents(at)
	c.add("--perms", "0444", "--file", strconv.Itoa(firstText+len(c.line.Texts)), at)
	c.line.Texts = append(c.line.Texts, text)
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
