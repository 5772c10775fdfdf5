package webhook

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// Path is where webhooks of an account are taken.
const Path = "/pipedrive/"

// room is a configured account: how its webhooks are known, and where they go.
type room struct {
	name   string
	login  *login
	topic  string
	most   int64 // bytes of a body that its topic takes
	counts *counts

	forgotten atomic.Int64 // when the client was made to look for the topic again
}

// ServeHTTP takes one webhook.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := s.deps.Now()
	account, o := s.admit(r, begun)
	if o == stored {
		o = s.receive(w, r, account, begun)
	}
	answers[o].write(w)
	now := s.deps.Now()
	account.counts.done(o, now, now.Sub(begun))
	s.notice(account, o)
}

// admit decides by what is known before the body. The account is nobody's where
// the request is refused before it is known whose it is.
func (s *Service) admit(r *http.Request, now time.Time) (*room, outcome) {
	name, ok := strings.CutPrefix(r.URL.Path, Path)
	switch {
	case !ok || name == "" || strings.Contains(name, "/"):
		return s.nobody, notFound
	case r.Method != http.MethodPost:
		return s.nobody, wrongMethod
	}
	account, known := s.rooms[name]
	if !known {
		account = s.nobody
	}
	user, password, _ := r.BasicAuth()
	if !account.login.accepts(user, password, now) {
		return account, unauthorized
	}
	return account, admitBody(r, account.most)
}

// admitBody refuses a body by its header. A packed body is not unpacked to see
// what it is: a small one may become any size.
func admitBody(r *http.Request, most int64) outcome {
	switch {
	case !isPlain(r.Header["Content-Encoding"]):
		return encoded
	case !isJSON(r.Header["Content-Type"]):
		return wrongType
	case r.ContentLength > most:
		return tooLarge
	}
	return stored
}

func isPlain(encodings []string) bool {
	for _, e := range encodings {
		if e != "" && !strings.EqualFold(e, "identity") {
			return false
		}
	}
	return true
}

// isJSON is true of what is called JSON, and of what is not called anything else
// than text: which type Pipedrive names is nowhere said.
func isJSON(types []string) bool {
	if len(types) == 0 || types[0] == "application/json" {
		return true
	}
	name, _, err := mime.ParseMediaType(types[0])
	if err != nil {
		return false
	}
	return name == "application/json" || name == "text/json" || name == "text/plain" || strings.HasSuffix(name, "+json")
}

// receive reads a body, stores it and says how that went.
func (s *Service) receive(w http.ResponseWriter, r *http.Request, account *room, begun time.Time) outcome {
	space := r.ContentLength
	if space < 0 {
		space = account.most // nobody says how long it is
	}
	space = max(space, leastSpace)
	if !s.load.take(space) {
		return overloaded
	}
	p := newPending(s, space)
	if o := p.read(w, r, account.most); o != stored {
		p.release()
		return o
	}
	m, ok := scan(p.body)
	if !ok {
		p.release()
		return malformed
	}
	account.counts.bytes.Add(float64(len(p.body)))
	s.deps.OnPoint(PointReceived)
	if o := s.store(r.Context(), account, p, m, begun); o != stored {
		return o
	}
	if !m.names() {
		return odd
	}
	return stored
}

// leastSpace is what a webhook takes in memory, however short its body.
const leastSpace = 4 << 10

// read reads the body into the memory of p.
func (p *pending) read(w http.ResponseWriter, r *http.Request, most int64) outcome {
	if r.ContentLength >= 0 {
		p.body = p.sized(int(r.ContentLength))
		_, err := io.ReadFull(r.Body, p.body)
		return readOutcome(err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	p.body = body
	return readOutcome(err)
}

func readOutcome(err error) outcome {
	var large *http.MaxBytesError
	switch {
	case err == nil:
		return stored
	case errors.As(err, &large):
		return tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return slow
	}
	return gone
}
