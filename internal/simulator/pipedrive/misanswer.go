package pipedrivesim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// answer lets a request meet its faults, and the API if they leave it.
func (s *Server) answer(w http.ResponseWriter, c *call) (fault string, status, items int) {
	wait, met := s.faults.OfRequest("slow", func(f Fault) bool { return f.aboutRequest(c.Request) })
	if wait > 0 {
		fault = "slow"
		s.closing.Sleep(c.Request, wait)
	}
	if met == nil {
		a := s.handle(c)
		return fault, a.Write(w), a.Items
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
		return tooMany(c, w.Header(), true).Write(w)
	case "429-daily":
		return tooMany(c, w.Header(), false).Write(w)
	case "plan-limit":
		return planLimit().Write(w)
	case "403-html":
		return blocked(w.Header()).Write(w)
	case "timeout-before":
		s.closing.Hold(c.Request)
	case "timeout-after":
		s.handle(c)
		s.closing.Hold(c.Request)
	case "reset":
		if f.Applied {
			s.handle(c)
		}
		simkit.Reset(w)
		return 0
	case "success-false":
		return ok(map[string]any{"success": false, "error": "Something went wrong", "error_info": info, "data": nil, "additional_data": nil}).Write(w)
	case "stale":
		c.asOf = time.Now().Add(-f.rule().Wait())
		return s.handle(c).Write(w)
	case "truncated":
		return s.handle(c).Truncate(w)
	default:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		return statusAnswer(w, f.rule().Status()).Write(w)
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
