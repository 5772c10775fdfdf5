package sinkfaults

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"syscall"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/front"
)

// Row 10: connections break in every way that they can.
func TestConnectionsBreak(t *testing.T) {
	t.Parallel()
	cut := func(name string, err error) story {
		return story{name: name, begin: func(w *world) {
			var tries atomic.Int64
			w.front.Cut(func(context.Context) error { tries.Add(1); return err })
			w.front.HangUp()
			w.work(busy)
			w.until("calls without a connection", func() bool { return tries.Load() >= 4 })
		}, end: func(w *world) { w.front.Cut(nil) }}
	}
	inWorlds(t, setting{},
		story{name: "reset", begin: writing(planhatsim.Fault{Kind: "reset", Count: 4}, 4)},
		story{name: "reset, and a create is lost", begin: writing(planhatsim.Fault{Kind: "reset", Count: 2, Method: http.MethodPost}, 2)},
		story{name: "closed without an answer", begin: writing(planhatsim.Fault{Kind: "timeout-after", Close: true, Count: 4}, 4)},
		cut("refused", &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}),
		cut("the name is not known", &net.DNSError{Err: "no such host", Name: front.Hostname, IsNotFound: true}),
		cut("no name server", &net.DNSError{Err: "server misbehaving", Name: front.Hostname, IsTemporary: true}),
		story{name: "no connection", begin: func(w *world) {
			var hung atomic.Int64
			w.front.Cut(func(ctx context.Context) error { hung.Add(1); <-ctx.Done(); return ctx.Err() })
			w.front.HangUp()
			w.work(busy)
			w.until("calls that wait for a connection", func() bool { return hung.Load() >= 2 })
		}, end: func(w *world) { w.front.Cut(nil) }},
	)
	var trusted func()
	inWorlds(t, setting{secure: true},
		story{name: "a wrong certificate", begin: func(w *world) {
			trusted = w.front.Stranger(w.t)
			w.front.HangUp()
			_, before := w.front.Connections()
			w.work(busy)
			w.until("calls to a stranger", func() bool { _, was := w.front.Connections(); return was >= before+4 })
		}, end: func(*world) { trusted() }},
		story{name: "HTTP2 says go away", begin: func(w *world) {
			_, before := w.front.Connections()
			w.front.Intercept(func(rw http.ResponseWriter, _ *http.Request) bool {
				rw.Header().Set("Connection", "close") // net/http turns it into GOAWAY
				return false
			})
			w.work(3 * busy)
			w.until("new connections", func() bool { _, was := w.front.Connections(); return was >= before+4 })
		}, end: func(w *world) { w.front.Intercept(nil) }},
		story{name: "HTTP2 breaks off", begin: func(w *world) {
			w.fault(planhatsim.Fault{Kind: "latency", Ms: 100})
			for n := range int64(3) {
				w.work(1)
				w.struck("latency", w.sim.Injected()["latency"]+n+1)
				w.front.HangUp()
			}
		}},
	)
}

// Row 11: answers that are none. The calls were made, which nobody says.
func TestAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	var stories []story
	for name, body := range map[string]string{
		"null": "null", "an array": "[]", "an empty object": "{}", "a text": `"ok"`, "a number": "17", "numbers that are texts": `{"created":"two","createdKeys":7}`,
		"nobody was changed": `{"created":0,"updated":0,"nonupdates":0}`, "too many": `{"created":9999,"updated":9999,"createdKeys":[],"updatedKeys":[]}`,
		"keys of others": `{"created":1,"updated":0,"createdKeys":[{"_id":"66f0a1b2c3d4e5f600000001","externalId":"nobody"}],"updatedKeys":[]}`,
		"deeply nested":  deep(20_000),
	} {
		for _, method := range []string{http.MethodPut, http.MethodPost} {
			stories = append(stories, story{
				name: fmt.Sprint(name, " to ", method), begin: func(w *world) { w.answers(method, body, 3) }, end: func(w *world) { w.front.Intercept(nil) },
			})
		}
	}
	for _, f := range []planhatsim.Fault{
		{Kind: "html"}, {Kind: "empty-body"}, {Kind: "truncated", Mode: "length"}, {Kind: "truncated", Mode: "chunked"}, {Kind: "truncated", Mode: "json"},
	} {
		for _, method := range []string{http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodGet} {
			f.Count, f.Method = 2, method
			stories = append(stories, story{name: fmt.Sprint(f.Kind, " ", f.Mode, " to ", method), begin: writing(f, 2)})
		}
	}
	inWorlds(t, setting{}, stories...)
}

// answers lets the vendor do what it is told and answer something else, some times.
func (w *world) answers(method, body string, times int64) {
	w.t.Helper()
	var said atomic.Int64
	w.front.Intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || said.Load() >= times {
			return false
		}
		said.Add(1)
		w.sim.ServeHTTP(httptest.NewRecorder(), r)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(body))
		return true
	})
	w.work(busy)
	w.until("answers that are none", func() bool { return said.Load() >= times })
}

// Row 12: some items of a bulk call are refused, in every spelling of the reasons:
// each command has its own result.
func TestPartOfABulkCallIsRefused(t *testing.T) {
	t.Parallel()
	for _, spelling := range planhatsim.SwitchValues()["error_elements"] {
		var err error
		s := setting{sim: func(o *planhatsim.Options) { o.Switches, err = o.Switches.With("error_elements", spelling) }}
		inWorlds(t, s, story{name: "spelled as " + spelling, idle: true, begin: func(w *world) {
			if err != nil {
				w.t.Fatal(err)
			}
			w.work(busy)
			for n := range 30 {
				id, score := fmt.Sprint("partial-", n), "3"
				if n%10 == 7 {
					score, w.refused[id] = `"many"`, "REJECTED VENDOR_REJECTED"
				}
				w.send(id, id, fmt.Sprintf(`"op":"upsert","object":"company","target":{"externalId":%q},"fields":{"name":%q,"csmScore":%s}`, id, id, score))
			}
			w.work(busy)
		}})
	}
}

// deep is an object in so many objects.
func deep(levels int) string {
	b := make([]byte, 0, 6*levels+1)
	for range levels {
		b = append(b, `{"a":`...)
	}
	b = append(b, '1')
	for range levels {
		b = append(b, '}')
	}
	return string(b)
}
