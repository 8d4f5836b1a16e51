package hook

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"sallyport/proxy/approval"
	"sallyport/proxy/approval/form"
	"sallyport/proxy/wire"
)

const (
	maxBody     = 64 << 10
	maxApprover = 200
	maxSeen     = 10_000           // ids of callbacks that are remembered
	seenFor     = 10 * time.Minute // as long as a timestamp can be good
)

// said is what the service says of a question.
type said struct{ question, decision, reason, approver string }

// readAnswer reads an answer, whose every member must be a text that is known and
// stand there once.
func readAnswer(body []byte) (said, error) {
	var s said
	if f := wire.Check(body, wire.Bounds{}); f != nil {
		return s, f
	}
	into := map[string]*string{"question": &s.question, "decision": &s.decision, "reason": &s.reason, "approver": &s.approver}
	members := 0
	for key, value := range wire.Members(body) {
		members++
		text, isText := wire.Text(value)
		switch at := into[key]; {
		case at == nil:
			return s, fmt.Errorf("%.40q is no member of an answer", key)
		case !isText:
			return s, fmt.Errorf("%s is not a text", key)
		default:
			*at = text
		}
	}
	switch {
	case members == 0:
		return s, errors.New("the answer is not an object with question, decision and approver")
	case s.question == "" || s.decision == "":
		return s, errors.New("question and decision must be there")
	case s.approver == "" || len(s.approver) > maxApprover || s.approver != strings.TrimSpace(s.approver) || strings.ContainsFunc(s.approver, unseen):
		return s, fmt.Errorf("approver must name who answers, in 1 to %d bytes of visible text", maxApprover)
	case utf8.RuneCountInString(s.reason) > form.MaxReason:
		return s, fmt.Errorf("reason is longer than %d characters", form.MaxReason)
	}
	return s, nil
}

func unseen(r rune) bool { return !unicode.IsPrint(r) }

// errChoice refuses a decision that was not offered.
var errChoice = errors.New("decision is none of the choices that were offered")

// word is what an answer says to a question, if it is one of the choices. They
// are those of the form, and are read where it is.
func (h *Hook) word(w *approval.Waiting, s said) (approval.Answer, error) {
	raw := wire.Quote([]byte(`{"action":"accept","content":{"decision":`), s.decision)
	raw = append(wire.Quote(append(raw, `,"reason":`...), s.reason), "}}"...)
	a := form.Read(raw, offer(w))
	if a.Word == form.Garble {
		return a, errChoice
	}
	a.Channel, a.Approver = h.channel, h.opt.Name+":"+s.approver
	return a, nil
}

// take brings an answer that was verified to the desk.
func (h *Hook) take(s said) error {
	w, ok := h.opt.Desk.Find(s.question)
	if !ok {
		return approval.ErrGone
	}
	a, err := h.word(&w, s)
	if err != nil {
		return err
	}
	return h.opt.Desk.Answer(w.ID, a)
}

// Handler takes answers at the callback: POST requests with a signed body. It
// answers 204 if the answer counts, and else with a sentence that says why not.
func (h *Hook) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "answers come by POST", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "the body cannot be read, or is too large", http.StatusRequestEntityTooLarge)
			return
		}
		if status, err := h.called(r.Header, body); err != nil {
			http.Error(w, err.Error(), status)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// called takes one callback.
func (h *Hook) called(header http.Header, body []byte) (status int, err error) {
	now := time.Now()
	id, err := h.secret.verify(header, now, body)
	if err != nil {
		return http.StatusUnauthorized, err
	}
	if err := h.seen.once(id, now); err != nil {
		return http.StatusConflict, err
	}
	s, err := readAnswer(body)
	if err != nil {
		return http.StatusBadRequest, err
	}
	switch err := h.take(s); {
	case err == nil:
		return http.StatusNoContent, nil
	case errors.Is(err, approval.ErrGone):
		return http.StatusGone, err
	case errors.Is(err, errChoice), errors.Is(err, approval.ErrWider):
		return http.StatusBadRequest, err
	case errors.Is(err, approval.ErrChannel):
		return http.StatusForbidden, err
	case errors.Is(err, approval.ErrAgain):
		return http.StatusConflict, err
	default:
		return http.StatusServiceUnavailable, errors.New("the answer cannot be recorded, and so does not count")
	}
}

// seen are the ids that have come lately, so that none is taken twice.
type seen struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Why a callback is not taken though it is signed.
var (
	errReplayed = errors.New("this webhook-id has come before")
	errCrowd    = errors.New("too many callbacks in ten minutes")
)

func (s *seen) once(id string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, ok := s.until[id]; ok && now.Before(until) {
		return errReplayed
	}
	if len(s.until) >= maxSeen {
		for id, until := range s.until {
			if !now.Before(until) {
				delete(s.until, id)
			}
		}
	}
	if len(s.until) >= maxSeen {
		return errCrowd
	}
	if s.until == nil {
		s.until = map[string]time.Time{}
	}
	s.until[id] = now.Add(seenFor)
	return nil
}
