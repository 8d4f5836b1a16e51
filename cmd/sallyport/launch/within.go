package launch

import (
	"context"
	"fmt"
	"net"
	"os"

	"sallyport/sandbox/egress"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/probe"
)

// Within does what this program is for inside of a sandbox: there it is the first to
// run, or tries what the sandbox holds to. It is no command for people.
func Within(args []string) (code int, ours bool) {
	if len(args) == 0 {
		return 0, false
	}
	var err error
	switch args[0] {
	case inside.Word:
		code, err = inside.Main(args[1:], func(l net.Listener, socket string) error {
			return egress.Forward(context.Background(), l, socket)
		})
	case probe.Word:
		if err = probe.Main(args[1:], os.Stdout); err != nil {
			code = 1
		}
	default:
		return 0, false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sallyport "+args[0]+": "+err.Error())
	}
	return code, true
}
