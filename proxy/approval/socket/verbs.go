package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/approval/socket/client"
	"sallyport/proxy/show"
	"sallyport/proxy/wire"
)

// maxWhole is how many bytes of arguments are shown whole.
const maxWhole = 1 << 20

func (s *Server) board() client.Board {
	b := board(s.desk.Board())
	b.PID, b.Socket = os.Getpid(), s.path
	return b
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) { reply(w, s.board()) }

// watch writes the board, and again at each change, until the other end leaves.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	changed, stop := s.desk.Watch()
	defer stop()
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // it would end the request's context
	for {
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if reply(w, s.board()) != nil || out.Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// question shows one question to the person who asks for it.
func (s *Server) question(w http.ResponseWriter, r *http.Request) {
	q, ok := s.desk.Find(r.URL.Query().Get("id"))
	if !ok {
		fail(w, nil, approval.ErrGone)
		return
	}
	if n := len(q.Params) + len(q.Also); n > maxWhole {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the arguments have %d bytes, which are too many to be read and approved here", n))
		return
	}
	text := whole(&q)
	if err := s.desk.Shown(q.ID, approval.CommandLine, r.RemoteAddr, text); err != nil {
		fail(w, &q, err)
		return
	}
	_ = reply(w, client.Question{Waiting: waiting(&q), Text: text, Digest: show.Digest(text)})
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	var a client.Answer
	if !read(w, r, &a) {
		return
	}
	q, ok := s.desk.Find(a.ID)
	switch {
	case !ok:
		fail(w, nil, approval.ErrGone)
		return
	case utf8.RuneCountInString(a.Reason) > form.MaxReason:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("a reason may have %d characters", form.MaxReason))
		return
	case a.Approve && (len(q.Params)+len(q.Also) > maxWhole || a.Digest != show.Digest(whole(&q))):
		refuse(w, http.StatusPreconditionFailed, "the question is not what was shown, or has changed since: read it again")
		return
	}
	word := approval.Answer{Word: form.Decline, Reason: a.Reason, Channel: approval.CommandLine, Approver: r.RemoteAddr}
	if a.Approve {
		word.Word, word.For, word.Any, word.Reason = form.Approve, a.For, a.Any, ""
	}
	if err := s.desk.Answer(a.ID, word); err != nil {
		fail(w, &q, err)
		return
	}
	var taken client.Taken
	if now, still := s.desk.Find(a.ID); still {
		taken.Missing = now.Terms().Quorum - len(now.Approvals)
	}
	_ = reply(w, taken)
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	var n client.Named
	if !read(w, r, &n) {
		return
	}
	if err := s.desk.Revoke(n.ID, r.RemoteAddr, approval.CommandLine); err != nil {
		if errors.Is(err, approval.ErrGone) {
			refuse(w, http.StatusGone, "no such approval stands: it has been spent or revoked, or has run out")
			return
		}
		fail(w, nil, err)
		return
	}
	_ = reply(w, struct{}{})
}

// fail says why the desk has not taken a word, and what it would take.
func fail(w http.ResponseWriter, q *approval.Waiting, err error) {
	switch {
	case errors.Is(err, approval.ErrGone):
		refuse(w, http.StatusGone, err.Error())
	case errors.Is(err, approval.ErrAgain):
		refuse(w, http.StatusConflict, err.Error())
	case errors.Is(err, approval.ErrChannel) && q != nil:
		refuse(w, http.StatusForbidden, err.Error()+"; it can be at "+strings.Join(q.Terms().Via, ", "))
	case errors.Is(err, approval.ErrWider) && q != nil:
		t := q.Terms()
		most := "it may be for this call only"
		if t.Remember > 0 {
			most = "at most it may be " + form.Wider(t.Remember, t.Widen == "tool")
		}
		refuse(w, http.StatusForbidden, err.Error()+"; "+most)
	default:
		refuse(w, http.StatusInternalServerError, err.Error())
	}
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(client.Fault{Error: sentence}) // who does not wait for it is gone
}

func reply(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// read reads the body of a request, strictly. It reports false when it has
// answered that it cannot.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		if f := wire.Check(body, wire.Bounds{}); f != nil {
			err = f
		}
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		err = d.Decode(v)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the request cannot be read: "+err.Error())
	}
	return err == nil
}
