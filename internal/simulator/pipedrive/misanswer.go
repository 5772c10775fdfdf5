package pipedrivesim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// answer lets a request meet its faults, and the API if they leave it.
func (s *Server) answer(w http.ResponseWriter, c *call) (fault string, status, items int) {
	wait, met := s.faults.ofRequest(c.Request)
	if wait > 0 {
		fault = "slow"
		s.sleep(c.Request, wait)
	}
	if met == nil {
		a := s.handle(c)
		return fault, write(w, a), a.items
	}
	return met.Kind, s.misanswer(w, c, *met), 0
}

// handle runs the API's own answer under the lock.
func (s *Server) handle(c *call) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.denied(c) {
		return forbidden()
	}
	return c.route.handle(s, c)
}

func (s *Server) misanswer(w http.ResponseWriter, c *call, f Fault) (status int) {
	switch f.Kind {
	case "429-burst":
		return write(w, tooMany(c, w.Header(), true))
	case "429-daily":
		return write(w, tooMany(c, w.Header(), false))
	case "plan-limit":
		return write(w, planLimit())
	case "403-html":
		return write(w, blocked(w.Header()))
	case "timeout-before":
		s.hold(c.Request)
	case "timeout-after":
		s.handle(c)
		s.hold(c.Request)
	case "reset":
		if f.Applied {
			s.handle(c)
		}
		simkit.Reset(w)
		return 0
	case "success-false":
		return write(w, ok(map[string]any{"success": false, "error": "Something went wrong", "error_info": info, "data": nil, "additional_data": nil}))
	case "stale":
		c.asOf = time.Now().Add(-time.Duration(f.Ms) * time.Millisecond)
		return write(w, s.handle(c))
	case "truncated":
		return truncate(w, s.handle(c))
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		return write(w, statusAnswer(w, f.status()))
	}
	panic(http.ErrAbortHandler) // held until the client gave up
}

// statusAnswer is the body that goes with a status.
func statusAnswer(w http.ResponseWriter, status int) answer {
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("X-401-By-Gw", "true")
		return unauthorized()
	case http.StatusPaymentRequired:
		return unpaid()
	case http.StatusForbidden:
		return forbidden()
	case http.StatusNotFound:
		return notFoundV2()
	case http.StatusInternalServerError:
		return internal()
	}
	return failure(status, http.StatusText(status), info)
}

// truncate breaks the answer off in its middle.
func truncate(w http.ResponseWriter, a answer) int {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)+1))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2]) // less than was announced: net/http closes the connection
	return a.status
}

// sleep waits, but no longer than the client or the server.
func (s *Server) sleep(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-s.closing:
	}
}

func (s *Server) hold(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closing:
	}
}
