package web

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/show"
)

// notices are what the page says of what was done; the query names one.
var notices = map[string]string{
	"approved": "Approved.",
	"refused":  "Refused.",
	"revoked":  "Revoked.",
	"gone":     "That question has been settled meanwhile.",
	"changed":  "The question has changed since it was shown. Look again.",
	"again":    "You have approved this already; another person has to.",
}

// view is what the template shows.
type view struct {
	Outside   bool   // nobody is let in yet
	Named     bool   // people have tokens of their own
	Mistake   string // why somebody was not let in
	Person    string
	CSRF      string
	Notice    string
	Whole     bool // one question, with all of its arguments
	Questions []question
	Standing  []standing
	Settled   []settled
}

type question struct {
	ID, Tier, Title     string
	Fields              []show.Field
	Size, AlsoSize      string
	Arguments, Also     []string
	Diff                []show.Change
	Expires             string // RFC 3339
	Left                string
	Attended, Here, Cut bool
	Approvals, Quorum   int
	Via, Shown          string
	Remember            string // how long an approval may stand; empty: it may not
	Any                 bool
}

type standing struct{ ID, What, Covers, Until, By, Args string }

type settled struct{ At, What, Status, By, Reason string }

func digest(w *approval.Waiting, l show.Limits) string { return show.Digest(w.Question().Text(l)) }

func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	if token := r.URL.Query().Get("token"); token != "" {
		cookie, ok := s.guests.admit(token, s.o.Desk.Owner())
		if !ok {
			s.outside(w, r, "That link was used before, or is too old.")
			return
		}
		s.letIn(w, cookie)
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	in := s.guest(r)
	if in == nil {
		s.outside(w, r, "")
		return
	}
	board := s.o.Desk.Board()
	v := view{Person: in.person, CSRF: in.csrf, Notice: notices[r.URL.RawQuery], Standing: standings(board), Settled: settledOnes(board)}
	for i := range board.Waiting {
		if q, ok := s.show(&board.Waiting[i], in, show.Limits{}); ok {
			v.Questions = append(v.Questions, q)
		}
	}
	s.render(w, http.StatusOK, v)
}

// one shows a question alone, with all of its arguments.
func (s *Server) one(w http.ResponseWriter, r *http.Request) {
	in := s.guest(r)
	if in == nil {
		s.outside(w, r, "")
		return
	}
	v := view{Person: in.person, CSRF: in.csrf, Whole: true}
	status := http.StatusNotFound
	if found, ok := s.o.Desk.Find(r.PathValue("id")); ok {
		if q, ok := s.show(&found, in, show.All); ok {
			v.Questions, status = []question{q}, http.StatusOK
		}
	}
	if status == http.StatusNotFound {
		v.Notice = notices["gone"]
	}
	s.render(w, status, v)
}

// show puts a question as this person sees it. What cannot be put on record as
// shown is not shown.
func (s *Server) show(w *approval.Waiting, in *guest, l show.Limits) (question, bool) {
	asked := w.Question()
	text := asked.Text(l)
	if err := s.o.Desk.Shown(w.ID, approval.Web, in.person, text); err != nil {
		return question{}, false
	}
	terms := w.Terms()
	q := question{ID: w.ID, Tier: asked.Tier, Title: show.Line(w.Server+"/"+w.Tool, 120), Fields: asked.Fields(),
		Size: show.Size(asked.Arguments), Arguments: show.JSON(asked.Arguments, l), Also: show.JSON(asked.Also, l),
		Expires: w.Expires.UTC().Format(time.RFC3339), Left: left(w.Expires), Attended: w.Attended,
		Approvals: len(w.Approvals), Quorum: terms.Quorum, Here: slices.Contains(terms.Via, approval.Web), Via: strings.Join(terms.Via, ", "),
		Shown: show.Digest(text), Cut: text != asked.Text(show.All), Any: terms.Widen == "tool"}
	if asked.Also != nil {
		q.AlsoSize = show.Size(asked.Also)
	}
	if w.Before != nil {
		q.Diff = show.Diff(w.Before, w.Params)
	}
	if terms.Remember > 0 {
		q.Remember = form.Short(terms.Remember)
	}
	return q, true
}

func left(until time.Time) string {
	return form.Short(max(time.Until(until).Round(time.Second), 0))
}

func standings(b approval.Board) (all []standing) {
	name := func(s *approval.Subject) string {
		return show.Line(s.Server+"/"+s.Tool, 120) + " for role " + show.Line(s.Role, 60)
	}
	args := func(raw []byte) string { return show.Line(string(raw), 160) }
	for i := range b.Remembered {
		m := &b.Remembered[i]
		one := standing{ID: m.ID, What: name(&m.Subject), Covers: fmt.Sprintf("these arguments, used %d times", m.Uses), Until: left(m.Until), Args: args(m.Params)}
		if m.Any {
			one.Covers, one.Args = fmt.Sprintf("any arguments, used %d times", m.Uses), ""
		}
		var by []string
		for _, a := range m.By {
			by = append(by, show.Line(a.Approver, 60))
		}
		one.By = strings.Join(by, ", ")
		all = append(all, one)
	}
	for i := range b.Unspent {
		u := &b.Unspent[i]
		all = append(all, standing{ID: u.ID, What: name(&u.Subject), Covers: "one call, which has not come yet", Until: left(u.Until), By: show.Line(u.By, 60), Args: args(u.Params)})
	}
	return all
}

func settledOnes(b approval.Board) (all []settled) {
	for i := range b.Settled[:min(len(b.Settled), 10)] {
		o := &b.Settled[i]
		all = append(all, settled{At: o.At.Format("15:04:05"), What: show.Line(o.Server+"/"+o.Tool, 120), Status: o.Status, By: show.Line(o.By, 60), Reason: show.Line(o.Reason, 160)})
	}
	return all
}

// outside is the page for whoever was not let in.
func (s *Server) outside(w http.ResponseWriter, _ *http.Request, mistake string) {
	s.render(w, http.StatusUnauthorized, view{Outside: true, Named: len(s.guests.named) > 0, Mistake: mistake})
}

func (s *Server) render(w http.ResponseWriter, status int, v view) {
	var b bytes.Buffer
	if err := s.page.Execute(&b, v); err != nil {
		s.o.Logf("the page cannot be shown: %v", err)
		http.Error(w, "the page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// events tells the page that the desk has changed, as long as it listens.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if s.guest(r) == nil {
		http.Error(w, "not let in", http.StatusUnauthorized)
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	changed, stop := s.o.Desk.Watch()
	defer stop()
	beat := time.NewTicker(15 * time.Second)
	defer beat.Stop()
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	const news = "event: changed\ndata: \n\n"
	for text := news; ; { // at once, for what has changed since the page was loaded
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := w.Write([]byte(text)); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
			text = news
		case <-beat.C:
			text = ": still here\n\n"
		case <-r.Context().Done():
			return
		}
	}
}
