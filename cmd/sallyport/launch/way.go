package launch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/time/rate"

	"sallyport/audit"
	"sallyport/sandbox/box"
	"sallyport/sandbox/egress"
	"sallyport/sandbox/egress/place"
	"sallyport/sandbox/inside"
	"sallyport/sandbox/owner"
)

// A way leads out of the boxes of one server, to what the policy lists.
type way struct {
	server string
	home   string // ours alone
	folder string // within it; mounted in the box
	proxy  *egress.Proxy
	note   func(audit.Event) error
	log    hclog.Logger
	pace   *rate.Limiter
	ctx    context.Context

	mu      sync.Mutex
	refused string // the last
}

// lastRefused is what was refused last, in a sentence, or empty.
func (w *way) lastRefused() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// Connections are recorded at this pace at most. A server that makes more waits: it can
// neither fill the log nor get out unrecorded.
const (
	perSecond = 20
	atOnce    = 200
)

const (
	wayPrefix = "sallyport-way-"
	ownerFile = "owner"
)

// wayOut opens the way of a server, if it is not open.
func (l *Launcher) wayOut(server string, list []box.Endpoint) (*way, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w := l.ways[server]; w != nil {
		return w, nil
	}
	if l.closed {
		return nil, errClosed
	}
	w, err := l.newWay(server, list)
	if err == nil {
		l.ways[server] = w
	}
	return w, err
}

// newWay opens one that the caller closes.
func (l *Launcher) newWay(server string, list []box.Endpoint) (*way, error) {
	l.swept.Do(sweepWays)
	w := &way{server: server, note: l.opt.Note, log: l.opt.Logger, pace: rate.NewLimiter(perSecond, atOnce), ctx: l.ctx}
	if err := w.open(list); err != nil {
		return nil, fmt.Errorf("opening the way out of the sandbox: %w", err)
	}
	return w, nil
}

// open makes the socket. Anybody in the box may use it, whoever he is there; on the
// host only we and the engine come as far as its folder.
func (w *way) open(list []box.Endpoint) (err error) {
	allow := make([]place.Endpoint, 0, len(list))
	for _, e := range list {
		allow = append(allow, place.Endpoint(e))
	}
	if w.proxy, err = egress.New(egress.Options{Allow: allow, Report: w.report}); err != nil {
		return err
	}
	if w.home, err = os.MkdirTemp("", wayPrefix+strconv.Itoa(os.Getpid())+"-"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.home, err = filepath.EvalSymlinks(w.home); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.home, ownerFile), []byte(owner.Us()), 0o600); err != nil {
		return err
	}
	w.folder = filepath.Join(w.home, "way")
	if err := errors.Join(os.Mkdir(w.folder, 0o755), os.Chmod(w.folder, 0o755)); err != nil {
		return err
	}
	socket := filepath.Join(w.folder, inside.EgressSocket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		l.Close()
		return err
	}
	go func() {
		if err := w.proxy.Serve(l); err != nil {
			w.log.Warn("the way out is closed", "server", w.server, "error", err)
		}
	}()
	return nil
}

func (w *way) close() {
	_ = w.proxy.Close()
	_ = os.RemoveAll(w.home)
}

// report records a connection. It holds the connection up until that is done; what
// cannot be recorded closes the way for good.
func (w *way) report(e egress.Event) {
	_ = w.pace.Wait(w.ctx) // an error says that all is ending: no need to wait
	r := audit.Event{Type: audit.TypeNotice, Method: "egress", Server: w.server, DurationUS: e.Duration.Microseconds(), Code: "egress_" + e.Phase.String()}
	if e.Host != "" {
		r.Tool = net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
	}
	switch {
	case e.Phase == egress.Opened:
		r.Message = fmt.Sprintf("%s to %s", e.Method, e.Address)
	case e.Reason == "":
		r.Message = fmt.Sprintf("%d bytes out, %d in", e.BytesUp, e.BytesDown)
	default:
		r.Type, r.Code = audit.TypeError, "egress_"+string(e.Reason)
		r.Message = e.Detail
		w.mu.Lock()
		w.refused = r.Tool + ": " + e.Detail
		w.mu.Unlock()
		w.log.Warn("egress: "+string(e.Reason), "server", w.server, "to", r.Tool, "detail", e.Detail, "address", e.Address)
	}
	if err := w.note(r); err != nil {
		w.log.Error("nothing gets out of the sandbox from now on: a connection could not be recorded", "server", w.server, "error", err)
		go w.proxy.Close()
	}
}

// sweepWays removes the folders of proxies that are gone.
func sweepWays() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), wayPrefix+"*"))
	for _, dir := range all {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !mine(info) {
			continue
		}
		id, err := os.ReadFile(filepath.Join(dir, ownerFile))
		gone := owner.ID(id).Gone()
		if errors.Is(err, fs.ErrNotExist) { // killed before it said who it was
			pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), wayPrefix), "-")
			gone = ended(pid)
		}
		if gone {
			_ = os.RemoveAll(dir)
		}
	}
}
