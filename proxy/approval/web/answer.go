package web

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/show"
)

// own says whether a request that changes something comes from the page itself.
func (s *Server) own(r *http.Request) bool {
	if origin := r.Header.Values("Origin"); len(origin) > 0 {
		return len(origin) == 1 && s.origins[origin[0]]
	}
	return r.Header.Get("Sec-Fetch-Site") == "same-origin"
}

// fields reads a form that holds exactly these fields, each once.
func fields(w http.ResponseWriter, r *http.Request, names ...string) (url.Values, bool) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil || len(r.PostForm) != len(names) || r.URL.RawQuery != "" {
		return nil, false
	}
	for _, name := range names {
		if len(r.PostForm[name]) != 1 {
			return nil, false
		}
	}
	return r.PostForm, true
}

// visitor is whoever may change something by this request, with the form that it
// carries; it answers the request if that is nobody.
func (s *Server) visitor(w http.ResponseWriter, r *http.Request, names ...string) (*guest, url.Values) {
	in := s.guest(r)
	if in == nil {
		s.outside(w, r, "")
		return nil, nil
	}
	if !s.own(r) {
		http.Error(w, "this did not come from the page itself", http.StatusForbidden)
		return nil, nil
	}
	f, ok := fields(w, r, append(names, "csrf")...)
	if !ok {
		http.Error(w, "the form is not one of the page's", http.StatusBadRequest)
		return nil, nil
	}
	if subtle.ConstantTimeCompare([]byte(f.Get("csrf")), []byte(in.csrf)) != 1 {
		http.Error(w, "the form belongs to another visit; load the page again", http.StatusForbidden)
		return nil, nil
	}
	return in, f
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	in, f := s.visitor(w, r, "shown", "decision", "reason")
	if in == nil {
		return
	}
	id := r.PathValue("id")
	q, ok := s.o.Desk.Find(id)
	if !ok {
		s.back(w, r, "gone")
		return
	}
	a := approval.Answer{Channel: approval.Web, Approver: in.person}
	switch f.Get("decision") {
	case "refuse":
		a.Reason = shorten(strings.TrimSpace(f.Get("reason")))
	case "once":
		a.Word = approval.Approve
	case "remember":
		a.Word, a.For = approval.Approve, q.Terms().Remember
	case "any":
		a.Word, a.For, a.Any = approval.Approve, q.Terms().Remember, true
	default:
		http.Error(w, "there is no such answer", http.StatusBadRequest)
		return
	}
	if a.Word == approval.Approve && (f.Get("reason") != "" || f.Get("decision") != "once" && a.For == 0) {
		http.Error(w, "there is no such answer", http.StatusForbidden)
		return
	}
	// Whoever has not been shown all of it cannot approve it.
	if a.Word == approval.Approve && digest(&q, show.All) != f.Get("shown") {
		s.back(w, r, "changed")
		return
	}
	switch err := s.o.Desk.Answer(id, a); {
	case err == nil:
		s.back(w, r, map[bool]string{true: "approved", false: "refused"}[a.Word == approval.Approve])
	case errors.Is(err, approval.ErrGone):
		s.back(w, r, "gone")
	case errors.Is(err, approval.ErrAgain):
		s.back(w, r, "again")
	case errors.Is(err, approval.ErrChannel), errors.Is(err, approval.ErrWider):
		http.Error(w, err.Error(), http.StatusForbidden)
	default:
		s.o.Logf("an answer on the page could not be recorded: %v", err)
		http.Error(w, "the answer cannot be recorded, so it does not count", http.StatusInternalServerError)
	}
}

// shorten keeps a reason within its bounds.
func shorten(reason string) string {
	if runes := []rune(reason); len(runes) > form.MaxReason {
		return string(runes[:form.MaxReason])
	}
	return reason
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	in, _ := s.visitor(w, r)
	if in == nil {
		return
	}
	if err := s.o.Desk.Revoke(r.PathValue("id"), in.person, approval.Web); err != nil {
		s.back(w, r, "gone")
		return
	}
	s.back(w, r, "revoked")
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	if !s.own(r) {
		http.Error(w, "this did not come from the page itself", http.StatusForbidden)
		return
	}
	f, ok := fields(w, r, "token")
	if !ok {
		http.Error(w, "the form is not one of the page's", http.StatusBadRequest)
		return
	}
	cookie, ok := s.guests.login(f.Get("token"))
	if !ok {
		s.outside(w, r, "That token is not known, or there were too many attempts. Wait a little and try again.")
		return
	}
	s.letIn(w, cookie)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// back leads to the page again, with a word of what came of it.
func (s *Server) back(w http.ResponseWriter, r *http.Request, what string) {
	http.Redirect(w, r, "/?"+what, http.StatusSeeOther)
}
