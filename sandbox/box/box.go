// Package box says how an upstream is to be contained, whatever contains it.
//
// Its zero values are the strictest that there are: no network, no mounts, nobody's
// user, nothing writable but the scratch folder.
package box

// The runtimes.
const (
	Auto   = "auto" // the best that is there
	Podman = "podman"
	Docker = "docker"
	Bwrap  = "bwrap"
	None   = "none" // a plain process with our own rights
)

// Spec is one upstream's box.
type Spec struct {
	Runtime string
	Image   string // of podman and docker; a digest makes it immutable
	Pull    bool   // whether an image that is not there may be fetched
	Digest  bool   // whether an image without a digest is refused
	Class   string // the OCI runtime to use, such as runsc; empty: what works

	User    User
	Dir     string  // working directory within; empty: the image's
	Mounts  []Mount // beside the scratch folder
	Limits  Limits
	Egress  []Endpoint // what may be connected to; empty: no network at all
	Lenient bool       // a limit that does not bite is a warning and not an error
}

// User is whom it runs as. The zero User is nobody: 65534, 65534.
type User struct{ UID, GID int }

const nobody = 65534

// OrNobody fills in nobody's ids. Root cannot be named: its id is the zero that means
// nobody.
func (u User) OrNobody() User {
	if u.UID == 0 {
		u.UID = nobody
	}
	if u.GID == 0 {
		u.GID = nobody
	}
	return u
}

// Limits of one box. A zero field means its default.
type Limits struct {
	Memory  int64 // bytes; default 256 MiB, without swap beyond it
	CPU     int   // thousandths of a processor; default 500
	Scratch int64 // bytes of /tmp; default 50 MiB
	Shm     int64 // bytes of /dev/shm; default 1 MiB
	PIDs    int   // processes and threads; default 128
	Files   int   // open files of a process; default 1024
	Exec    bool  // programs may be run from /tmp
}

// OrDefault fills in the defaults.
func (l Limits) OrDefault() Limits {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	big := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	big(&l.Memory, 256<<20)
	def(&l.CPU, 500)
	big(&l.Scratch, 50<<20)
	big(&l.Shm, 1<<20)
	def(&l.PIDs, 128)
	def(&l.Files, 1024)
	return l
}

// Mount makes a folder or file of the host visible within.
type Mount struct {
	Source, Target string // absolute
	Write          bool
	Dangerous      bool // the operator knows what the source is
}

// Endpoint is a place on the network that may be connected to.
type Endpoint struct {
	Host    string // a name or an address; "*.example.com" is any name below
	Port    uint16
	Private bool // it may be a private, loopback or link-local address
}
