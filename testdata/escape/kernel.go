package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"sallyport/sandbox/gvisor"
)

func ptr[T any](v *T) uintptr { return uintptr(unsafe.Pointer(v)) }

func call(number uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, e := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
	return fail(e)
}

// kernel is about calls that no tool server needs.
func kernel() []attempt {
	return []attempt{
		{"keyrings", func(Facts) (string, error) {
			_, session := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true)
			_, add := unix.AddKey("user", "escape", []byte("x"), unix.KEY_SPEC_USER_KEYRING)
			_, request := unix.RequestKey("user", "escape", "", unix.KEY_SPEC_USER_KEYRING)
			return each(map[string]error{"keyctl": session, "add_key": add, "request_key": request})
		}},
		{"load code into the kernel", func(Facts) (string, error) {
			attr := [16]uint64{}
			return each(map[string]error{
				"bpf": call(unix.SYS_BPF, 0, ptr(&attr), 72), "init_module": call(unix.SYS_INIT_MODULE, ptr(&attr), 1, ptr(&attr)),
				"finit_module": call(unix.SYS_FINIT_MODULE, 0, ptr(&attr), 0), "kexec_load": call(unix.SYS_KEXEC_LOAD, 0, 0, ptr(&attr), 0),
			})
		}},
		{"wide doors into the kernel", func(Facts) (string, error) {
			attr := [16]uint64{}
			ways := map[string]error{
				"perf_event_open": call(unix.SYS_PERF_EVENT_OPEN, ptr(&attr), 0, ^uintptr(0), ^uintptr(0), 0), "userfaultfd": call(unix.SYS_USERFAULTFD, 1),
				"io_uring_setup": call(unix.SYS_IO_URING_SETUP, 8, ptr(&attr)), "fanotify_init": call(unix.SYS_FANOTIFY_INIT, 0, 0),
				"open_by_handle_at": call(unix.SYS_OPEN_BY_HANDLE_AT, 0, ptr(&attr), 0), "name_to_handle_at": call(unix.SYS_NAME_TO_HANDLE_AT, 0, ptr(&attr), ptr(&attr), ptr(&attr), 0),
				"syslog": call(unix.SYS_SYSLOG, 3, ptr(&attr), 128), "quotactl": call(unix.SYS_QUOTACTL, 0, 0, 0, 0), "acct": call(unix.SYS_ACCT, 0),
				"lookup_dcookie": call(unix.SYS_LOOKUP_DCOOKIE, 0, ptr(&attr), 128), "personality": call(unix.SYS_PERSONALITY, 0x0400000),
			}
			if gvisor.Here() { // its log is its own, and says nothing of the host
				delete(ways, "syslog")
			}
			return each(ways)
		}},
		{"rule the machine", func(Facts) (string, error) {
			var now unix.Timeval // as it is: should it work, no harm is done
			unix.Gettimeofday(&now)
			at := unix.NsecToTimespec(now.Nano())
			return each(map[string]error{
				"settimeofday": unix.Settimeofday(&now), "clock_settime": unix.ClockSettime(unix.CLOCK_REALTIME, &at), "reboot": unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF),
				"swapon": call(unix.SYS_SWAPON, 0, 0), "sethostname": unix.Sethostname([]byte("box")), "vhangup": call(unix.SYS_VHANGUP),
				"real time": call(unix.SYS_SCHED_SETSCHEDULER, 0, 1, ptr(&[1]int32{1})),
			})
		}},
	}
}
