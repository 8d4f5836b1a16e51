package socket

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"sallyport/proxy/approval/socket/place"
)

// TestAnotherUser connects as nobody, with all modes out of the way, so that only
// what the kernel says of the peer is left. It needs root.
func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir := folder(t)
	d, _ := desk(t)
	s, c := serve(t, d, filepath.Join(dir, "s.sock"))
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.Path(), 0o666); err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		defer close(got)
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			got <- "setresuid: " + errno.Error()
			return
		}
		if _, err := place.Dial(context.Background(), s.Path()); err == nil || err.Error() != "it belongs to another user" {
			got <- fmt.Sprintf("connect: the command line believes another user: %v", err)
			return
		}
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			got <- err.Error()
			return
		}
		defer syscall.Close(fd)
		if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: s.Path()}); err != nil {
			got <- "connect: " + err.Error()
			return
		}
		_, _ = syscall.Write(fd, []byte("GET /list HTTP/1.0\r\n\r\n"))
		var b [512]byte
		n, _ := syscall.Read(fd, b[:])
		got <- string(b[:max(n, 0)])
	}()
	if answer := <-got; strings.Contains(answer, "HTTP") || strings.Contains(answer, "connect") {
		t.Errorf("nobody is answered: %q", answer)
	}
	<-got
	if _, err := c.List(t.Context()); err != nil {
		t.Error(err)
	}
}
