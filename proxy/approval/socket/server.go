package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/socket/place"
)

const (
	maxBody  = 64 << 10
	farewell = time.Second // for requests that are being answered at the end
)

// Server is the desk's end of a socket.
type Server struct {
	desk *approval.Desk
	path string
	made os.FileInfo
	mux  *http.ServeMux
	http *http.Server
	end  context.CancelFunc
	done chan struct{} // closed when nothing is served any more

	farewell time.Duration

	guests guests
}

// Listen opens the desk for the command line, at a path or, if that is empty, in
// the default folder.
func Listen(path string, d *approval.Desk) (*Server, error) {
	s, err := listen(path, d)
	if err != nil {
		return nil, fmt.Errorf("opening the socket of the command line: %w", err)
	}
	d.Open(approval.CommandLine, approval.Channel{})
	return s, nil
}

func listen(path string, d *approval.Desk) (*Server, error) {
	if path == "" {
		dir, err := place.Home()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(dir, place.Name())
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	l, err := place.Bind(path)
	if err != nil {
		return nil, err
	}
	made, err := os.Lstat(path)
	if err != nil {
		l.Close()
		return nil, err
	}
	s := &Server{desk: d, path: path, made: made, mux: http.NewServeMux(), done: make(chan struct{}), farewell: farewell}
	s.serve(newGate(l, d.Owner()))
	return s, nil
}

// serve begins to answer. Close ends that, and waits for it.
func (s *Server) serve(g *gate) {
	s.mux.HandleFunc("GET /list", s.list)
	s.mux.HandleFunc("GET /watch", s.watch)
	s.mux.HandleFunc("GET /question", s.question)
	s.mux.HandleFunc("POST /answer", s.answer)
	s.mux.HandleFunc("POST /revoke", s.revoke)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "this sallyport does not do that")
	})
	ctx, end := context.WithCancel(context.Background())
	s.end = end
	s.http = &http.Server{
		Handler:           http.MaxBytesHandler(s.mux, maxBody),
		ConnState:         s.guests.state,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(g) // returns when it is closed
	}()
}

// guests are the connections on which a request is being answered.
// http.Server.Shutdown would wait for them too, but by looking again from time to
// time.
type guests struct {
	mu      sync.Mutex
	busy    map[net.Conn]bool
	leaving bool
	gone    chan struct{} // closed when the last has left, once they are to leave
}

// state is told what becomes of a connection: it is idle when its answer has been
// written to the end.
func (g *guests) state(c net.Conn, now http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch now {
	case http.StateActive:
		if g.busy == nil {
			g.busy = map[net.Conn]bool{}
		}
		g.busy[c] = true
	case http.StateIdle, http.StateClosed, http.StateHijacked:
		delete(g.busy, c)
	}
	if len(g.busy) == 0 && g.leaving {
		g.leaving = false
		close(g.gone)
	}
}

// leave returns what is closed when nobody is left.
func (g *guests) leave() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = make(chan struct{})
	if g.leaving = len(g.busy) > 0; !g.leaving {
		close(g.gone)
	}
	return g.gone
}

// Path is where the socket is.
func (s *Server) Path() string { return s.path }

// Handle adds a verb of the running proxy, such as "reload": h gets POST
// requests, with the name of who asks as their RemoteAddr, and answers with a
// [client.Said], or with an error status and {"error": "a sentence"}.
func (s *Server) Handle(verb string, h http.Handler) {
	s.mux.HandleFunc("POST /"+verb, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)) // it would end the request's context
		h.ServeHTTP(w, r)
	})
}

// Close removes the socket and ends what is being answered, after a moment.
func (s *Server) Close() error {
	gone := place.Unbind(s.path, s.made)
	s.end()
	late := time.NewTimer(s.farewell)
	defer late.Stop()
	select {
	case <-s.guests.leave():
	case <-late.C:
	}
	err := s.http.Close()
	<-s.done
	return errors.Join(gone, err)
}
