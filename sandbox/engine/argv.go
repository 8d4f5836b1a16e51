package engine

import (
	"slices"
	"strconv"
	"strings"

	"sallyport/sandbox/box"
	"sallyport/sandbox/owner"
)

// Labels on a container tell whose it is.
const (
	LabelOwner  = "sallyport.owner"
	LabelServer = "sallyport.server"
)

// hostname is the same in every box: it tells nothing.
const hostname = "box"

// A Run is one container.
type Run struct {
	Name    string // of the container
	Owner   owner.ID
	Server  string   // the upstream's name in the policy
	Image   string   // what was looked at, so an id where there is one
	Command []string // empty: the image's own entry point
	Names   []string // variables whose values the client's environment holds
	Inside  Inside   // what is put in front of the command
	Folder  string   // one more that can be written to, and run from, and ends with the box
	Volumes []string // that the image declares
}

// Argv is the command line that starts the container. It is pure. The zero values
// of the spec are the strictest box.
func Argv(e Engine, s box.Spec, r Run) []string {
	a := []string{
		e.Path, "run", "--name=" + r.Name,
		"--label=" + LabelOwner + "=" + string(r.Owner), "--label=" + LabelServer + "=" + r.Server,
		"--interactive", "--pull=never", "--log-driver=none", "--no-healthcheck", "--restart=no",
	}
	if e.Init {
		a = append(a, "--init")
	}
	a = append(a, isolation(e, s)...)
	a = append(a, limits(e, s)...)
	a = append(a, places(e, s, r.Inside)...)
	if r.Folder != "" {
		a = append(a, tmpfs(e, r.Folder, s.Limits.OrDefault().Scratch, true))
	}
	a = append(a, volumes(e, s, r)...)
	// A home that cannot be written to is what servers stumble over most. Our
	// executable within says the same.
	if !r.Inside.needed() && !slices.Contains(r.Names, "HOME") {
		a = append(a, "--env=HOME=/tmp")
	}
	for _, name := range r.Names {
		a = append(a, "--env="+name)
	}
	return append(a, r.entry(s.Limits.OrDefault().PIDs)...)
}

// isolation is what the box may not do, see or become.
func isolation(e Engine, s box.Spec) []string {
	user := s.User.OrNobody()
	a := []string{
		"--user=" + strconv.Itoa(user.UID) + ":" + strconv.Itoa(user.GID),
		"--cap-drop=ALL", "--security-opt=no-new-privileges",
		"--network=none", "--hostname=" + hostname, "--ipc=private", "--cgroupns=private",
	}
	if e.Tool == Podman {
		// Defaults that containers.conf or the command's name can loosen; docker has
		// no such words, nor such defaults.
		a = append(a, "--pid=private", "--uts=private", "--systemd=false", "--http-proxy=false",
			"--detach-keys=", "--stop-timeout=0")
	}
	switch {
	case s.Class != "":
		a = append(a, "--runtime="+s.Class)
	case e.Runtime != "":
		a = append(a, "--runtime="+e.Runtime)
	}
	return a
}

// limits is how much the box may use.
func limits(e Engine, s box.Spec) []string {
	l := s.Limits.OrDefault()
	memory := strconv.FormatInt(l.Memory, 10)
	a := []string{
		"--memory=" + memory,
		"--memory-swap=" + memory, // memory and swap together: no swap
		"--cpus=" + strconv.FormatFloat(float64(l.CPU)/1000, 'f', -1, 64),
		"--pids-limit=" + strconv.Itoa(l.PIDs),
		ulimit("core", 0),
		ulimit("nofile", uint64(l.Files)),
	}
	if e.NProc > 0 {
		a = append(a, ulimit("nproc", e.NProc))
	}
	return a
}

func ulimit(name string, n uint64) string {
	v := strconv.FormatUint(n, 10)
	return "--ulimit=" + name + "=" + v + ":" + v
}

// places is what of the file system is there, and what of it can be written to.
func places(e Engine, s box.Spec, in Inside) []string {
	l := s.Limits.OrDefault()
	a := []string{"--read-only", "--shm-size=" + strconv.FormatInt(l.Shm, 10)}
	if e.Tool == Podman {
		a = append(a, "--read-only-tmpfs=false") // else it adds /run, /var/tmp and more
	}
	a = append(a, tmpfs(e, "/tmp", l.Scratch, l.Exec))
	if e.Behind {
		// It adds these, and nothing that docker can say stops it: let them be read-only. A
		// mode does not help, as it becomes the one that they have in the image.
		a = append(a, "--tmpfs=/run:"+shut, "--tmpfs=/var/tmp:"+shut)
	}
	if s.Dir != "" {
		a = append(a, "--workdir="+s.Dir)
	}
	for _, m := range in.mounts() {
		a = append(a, bind(e, m))
	}
	for _, m := range s.Mounts {
		a = append(a, bind(e, m))
	}
	return a
}

// tmpfs is an empty folder in memory that anybody can write to.
func tmpfs(e Engine, at string, size int64, exec bool) string {
	s := "--tmpfs=" + at + ":rw,nosuid,nodev,size=" + strconv.FormatInt(size, 10) + ",mode=1777"
	if exec {
		s += ",exec"
	} else {
		s += ",noexec"
	}
	if e.Tool == Podman || e.Behind {
		s += ",notmpcopyup" // else it is filled from the image, with the mode that it has there
	}
	return s
}

// shut are the options of a place that is there and empty.
const shut = "ro,noexec,nosuid,nodev,size=65536,mode=755"

// volumes keeps an image from having folders of the host, to which it could write
// without bound, by declaring them. Docker cannot be told to ignore them: there, what
// the image has in them is hidden.
func volumes(e Engine, s box.Spec, r Run) []string {
	if e.Tool == Podman {
		return []string{"--image-volume=ignore"}
	}
	taken := []string{"/tmp", "/dev/shm", r.Folder}
	if e.Behind {
		taken = append(taken, "/run", "/var/tmp")
	}
	for _, m := range slices.Concat(s.Mounts, r.Inside.mounts()) {
		taken = append(taken, m.Target)
	}
	var a []string
	for _, v := range r.Volumes {
		if !slices.Contains(taken, v) {
			a = append(a, "--tmpfs="+v+":"+shut)
		}
	}
	return a
}

// bind leaves out what is mounted below the source: it would be writable even
// where the source is not.
func bind(e Engine, m box.Mount) string {
	s := "--mount=type=bind,source=" + m.Source + ",target=" + m.Target
	if e.Tool == Docker && major(e.Client) >= 25 {
		s += ",bind-recursive=disabled"
	} else {
		s += ",bind-nonrecursive=true"
	}
	if !m.Write {
		s += ",readonly"
	}
	return s
}

// major is the first number of a version, or 0.
func major(version string) int {
	first, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// entry is the image, and what runs in it. A command is all that runs: the image's
// entry point is not put in front of it.
func (r Run) entry(pids int) []string {
	command := r.Inside.wrap(r.Command, pids)
	if len(command) == 0 {
		return []string{r.Image}
	}
	return append([]string{"--entrypoint=" + command[0], r.Image}, command[1:]...)
}
