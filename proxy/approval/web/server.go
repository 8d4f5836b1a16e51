package web

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sallyport/proxy/approval"
)

//go:embed page.html app.css app.js
var files embed.FS

// Options are what a [Server] is made of. Desk and Listen are required.
type Options struct {
	Desk      *approval.Desk
	Listen    string // a loopback address with its port
	URL       string // origin under which a reverse proxy offers the page; may be empty
	Approvers []Approver
	// Logf tells the operator what went wrong; may be nil.
	Logf func(format string, a ...any)
}

// Approver is a person with a token of his own.
type Approver struct{ Name, Token string }

// Server is the page. Its methods may be called from many goroutines.
type Server struct {
	o       Options
	page    *template.Template
	http    *http.Server
	address string          // host:port
	origins map[string]bool // that the page's own requests come from
	hosts   map[string]bool
	guests  *guests
	cookie  string
	streams chan struct{} // a place for each open event stream
	stop    context.CancelFunc
	served  func() error // waits for the end of serving

	mu        sync.Mutex
	callbacks map[string]http.Handler
}

const (
	maxBody    = 8 << 10
	maxAnswer  = 64 << 10 // of a webhook
	maxStreams = 32
)

// Start listens, and opens the desk's channel for the page.
func Start(o Options) (*Server, error) {
	page, err := template.ParseFS(files, "page.html")
	if err != nil {
		return nil, fmt.Errorf("the page's template: %w", err)
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("opening the page for approvals: %w", err)
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	s := &Server{o: o, page: page, address: l.Addr().String(), guests: newGuests(o.Approvers), streams: make(chan struct{}, maxStreams)}
	s.name()
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10, BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan error, 1)
	go func() { ended <- s.http.Serve(l) }()
	s.served = sync.OnceValue(func() error { return <-ended })
	o.Desk.Open(approval.Web, approval.Channel{Address: s.Address})
	return s, nil
}

// name settles under which names the page answers.
func (s *Server) name() {
	_, port, _ := net.SplitHostPort(s.address)
	s.hosts = map[string]bool{s.address: true, "localhost:" + port: true}
	s.origins = map[string]bool{"http://" + s.address: true, "http://localhost:" + port: true}
	s.cookie = "sallyport_" + port // ports share their cookies
	if s.o.URL != "" {
		s.origins[s.o.URL] = true
		if u, err := url.Parse(s.o.URL); err == nil {
			s.hosts[u.Host] = true
		}
	}
}

// Origin is under which the page is reached.
func (s *Server) Origin() string {
	if s.o.URL != "" {
		return s.o.URL
	}
	return "http://" + s.address
}

// Address is where a question stands. It lets in nobody who has not been let in
// before.
func (s *Server) Address(id string) string { return s.Origin() + "/q/" + url.PathEscape(id) }

// Link lets in the local person, once and within ten minutes. It is empty where
// people have tokens of their own.
func (s *Server) Link() string {
	token := s.guests.invite()
	if token == "" {
		return ""
	}
	return s.Origin() + "/?token=" + token
}

// Close ends the page at once. It may be called again.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	if served := s.served(); err == nil && !errors.Is(served, http.ErrServerClosed) {
		err = served
	}
	return err
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /q/{id}", s.one)
	mux.HandleFunc("POST /q/{id}/answer", s.answer)
	mux.HandleFunc("POST /approvals/{id}/revoke", s.revoke)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /app.css", s.file("text/css; charset=utf-8"))
	mux.HandleFunc("GET /app.js", s.file("text/javascript; charset=utf-8"))
	mux.HandleFunc("POST /callback/{name}", s.callback)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		guard(w.Header())
		if !s.hosts[strings.ToLower(r.Host)] {
			http.Error(w, "this is not the address of the page", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Callback is where the answers of a webhook are taken, once one is mounted.
func (s *Server) Callback(name string) string {
	return s.Origin() + "/callback/" + url.PathEscape(name)
}

// Mount takes the answers of a webhook. The handler proves by itself where an
// answer comes from: cookies and origins are not looked at.
func (s *Server) Mount(name string, h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callbacks == nil {
		s.callbacks = map[string]http.Handler{}
	}
	s.callbacks[name] = http.MaxBytesHandler(h, maxAnswer)
}

func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	h := s.callbacks[r.PathValue("name")]
	s.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h.ServeHTTP(w, r)
}

// guard sets what every response says to the browser.
func guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer, forms would come from the origin "null"
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

func (s *Server) file(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := files.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(b)
	}
}
