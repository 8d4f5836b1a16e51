package gvisor

import (
	"strings"

	"golang.org/x/sys/unix"
)

// Here says whether we run on it. No name space and no user changes what the kernel
// says of its version.
func Here() bool {
	var u unix.Utsname
	return unix.Uname(&u) == nil && is(unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Version[:]))
}

// is looks at what it says: always the same version, and in newer ones its name.
func is(release, version string) bool {
	return version == "#1 SMP Sun Jan 10 15:06:54 PST 2016" || strings.Contains(release, "gvisor")
}
