package planhatsim

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// answer handles a request under the faults that it meets. It gives the fault's kind, the status that
// was sent (0 for none) and the number of rows or items.
func (s *Server) answer(w http.ResponseWriter, r *request) (kind string, status, items int) {
	wait, fault := s.faults.OfRequest("latency", func(f Fault) bool { return f.matches(r) })
	if wait > 0 {
		kind = "latency"
		s.closing.Sleep(r.Request, wait)
	}
	if fault == nil {
		a := s.handle(r, Fault{})
		return kind, a.Write(w), a.Items
	}
	var a answer
	if fault.applied() {
		a = s.handle(r, *fault)
	}
	if code := fault.rule().Status(); code != 0 {
		fault.askToWait(w.Header(), s.now())
		return fault.Kind, plain(code, http.StatusText(code)).Write(w), a.Items
	}
	return fault.Kind, faultKinds[fault.Kind].reply(s, w, r, *fault, a), a.Items
}

// askToWait says for how long, in the words of the rule's mode.
func (f Fault) askToWait(h http.Header, now time.Time) {
	if f.RetryAfter == 0 {
		return
	}
	seconds := strconv.Itoa(f.RetryAfter)
	switch f.Mode {
	case "date":
		h.Set("Retry-After", now.Add(time.Duration(f.RetryAfter)*time.Second).UTC().Format(http.TimeFormat))
	case "reset":
		h.Set("X-Ratelimit-Reset", seconds)
	case "epoch":
		h.Set("X-Ratelimit-Reset", strconv.FormatInt(now.Unix()+int64(f.RetryAfter), 10))
	case "dashed":
		h.Set("X-Rate-Limit-Reset", seconds)
	default:
		h.Set("Retry-After", seconds)
	}
}

func (f Fault) shift() int {
	switch {
	case f.Kind != "shifted":
		return 0
	case f.Rows == 0:
		return 1
	}
	return f.Rows
}

func reply(_ *Server, w http.ResponseWriter, _ *request, _ Fault, a answer) int { return a.Write(w) }

func page502(_ *Server, w http.ResponseWriter, _ *request, _ Fault, _ answer) int {
	return answer{Status: http.StatusOK, Kind: typeHTML, Body: []byte(proxyPage)}.Write(w)
}

func emptyBody(_ *Server, w http.ResponseWriter, _ *request, _ Fault, _ answer) int {
	return answer{Status: http.StatusOK, Kind: simkit.TypeJSON}.Write(w)
}

// hold gives no answer: it waits until the client gives up, then closes the connection.
func hold(s *Server, w http.ResponseWriter, r *request, f Fault, _ answer) int {
	s.holdFor(w, r, f, time.Duration(f.Ms)*time.Millisecond)
	return 0
}

// holdLate lets the request take effect Ms after it arrived, whether its client is still there or not.
func holdLate(s *Server, w http.ResponseWriter, r *request, f Fault, _ answer) int {
	done := s.late.add()
	time.AfterFunc(time.Duration(f.Ms)*time.Millisecond, func() {
		defer done()
		s.handle(r, Fault{})
	})
	s.holdFor(w, r, f, 0)
	return 0
}

func (s *Server) holdFor(w http.ResponseWriter, r *request, f Fault, d time.Duration) {
	switch {
	case f.Close:
	case d > 0:
		s.closing.Sleep(r.Request, d)
	default:
		s.closing.Hold(r.Request)
	}
	simkit.Drop(w, func(net.Conn) {})
}

// reset ends the connection with RST rather than FIN.
func reset(_ *Server, w http.ResponseWriter, _ *request, _ Fault, _ answer) int {
	simkit.Reset(w)
	return 0
}

// truncate breaks the answer off in its middle.
func truncate(_ *Server, w http.ResponseWriter, _ *request, f Fault, a answer) int {
	half := a.Body[:len(a.Body)/2]
	switch f.Mode {
	case "json":
		a.Body = half
		return a.Write(w)
	case "chunked":
		simkit.Drop(w, func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s", a.Status, http.StatusText(a.Status), a.Kind, len(a.Body), half)
		})
		return a.Status
	}
	return a.Truncate(w)
}

// stall sends half of the answer and no more; the connection is closed when the client has given up.
func stall(s *Server, w http.ResponseWriter, r *request, f Fault, a answer) int {
	if len(a.Body) == 0 { // its head would be the whole of it, and the client not give up but go on
		return hold(s, w, r, f, a)
	}
	a.Announce(w, len(a.Body))
	_, _ = w.Write(a.Body[:len(a.Body)/2])
	_ = http.NewResponseController(w).Flush() // a client that has gone away is not the vendor's trouble
	s.holdFor(w, r, f, time.Duration(f.Ms)*time.Millisecond)
	return a.Status
}

// drip sends the answer a little at a time.
func drip(s *Server, w http.ResponseWriter, r *request, f Fault, a answer) int {
	const pieces, usual = 50, 100
	a.Announce(w, len(a.Body))
	pause := time.Duration(cmp.Or(f.Ms, usual)) * time.Millisecond
	for piece := range slices.Chunk(a.Body, len(a.Body)/pieces+1) {
		if _, err := w.Write(piece); err != nil || http.NewResponseController(w).Flush() != nil {
			break
		}
		s.closing.Sleep(r.Request, pause)
	}
	return a.Status
}

// pending counts effects that are still to come.
type pending struct {
	mu   sync.Mutex
	none *sync.Cond
	n    int
}

func newPending() *pending {
	p := &pending{}
	p.none = sync.NewCond(&p.mu)
	return p
}

// add counts one in; the function given back counts it out.
func (p *pending) add() func() {
	p.mu.Lock()
	p.n++
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		p.n--
		p.mu.Unlock()
		p.none.Broadcast()
	}
}

func (p *pending) wait() {
	p.mu.Lock()
	for p.n > 0 {
		p.none.Wait()
	}
	p.mu.Unlock()
}

// Settle waits until all late effects have happened.
func (s *Server) Settle() { s.late.wait() }
