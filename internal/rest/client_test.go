package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var (
	refused  = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	unknown  = &net.DNSError{Err: "no such host", Name: "vendor.example"}
	reset    = &net.OpError{Op: "read", Err: errors.New("connection reset by peer")}
	okStep   = step{status: 200, body: `{}`}
	htmlPage = map[string]string{"Content-Type": "text/html; charset=utf-8"}
)

// One row: what an attempt meets, and what becomes of a read, an update and a create.
// sent counts the attempts made when the vendor is well again after the first.
func TestWhatIsRepeated(t *testing.T) {
	const yes, no = 2, 1
	tests := []struct {
		name      string
		first     step
		reads     int
		updates   int
		creates   int
		kind      Kind // of the calls that are not repeated
		repeated  bool // an update that went well says so
		uncertain bool
	}{
		{"connection refused", step{err: refused}, yes, yes, yes, KindNone, false, false},
		{"no such host", step{err: unknown}, yes, yes, yes, KindNone, false, false},
		{"reset", step{err: reset}, yes, yes, no, KindAmbiguous, true, true},
		{"unknown error", step{err: errors.New("boom")}, yes, yes, no, KindAmbiguous, true, true},
		{"no answer in time", step{took: time.Hour}, yes, yes, no, KindAmbiguous, true, true},
		{"429", step{status: 429}, yes, yes, yes, KindNone, false, false},
		{"500", step{status: 500}, yes, yes, no, KindAmbiguous, true, true},
		{"502", step{status: 502, body: "<html>", header: htmlPage}, yes, yes, no, KindAmbiguous, true, true},
		{"503 with a wait", step{status: 503, header: map[string]string{"Retry-After": "2"}}, yes, yes, no, KindAmbiguous, true, true},
		{"408", step{status: 408}, yes, yes, no, KindAmbiguous, true, true},
		{"404 page of a proxy", step{status: 404, body: "<html>", header: htmlPage}, yes, yes, no, KindAmbiguous, true, true},
		{"cut answer", step{status: 200, body: "{", length: 100}, yes, yes, no, KindAmbiguous, true, true},
		{"answer not accepted", step{status: 200, body: "bad"}, yes, yes, no, KindAmbiguous, true, true},
		{"400", step{status: 400}, no, no, no, KindInvalid, false, false},
		{"401", step{status: 401}, no, no, no, KindUnauthorized, false, false},
		{"402", step{status: 402}, no, no, no, KindForbidden, false, false},
		{"403", step{status: 403}, no, no, no, KindForbidden, false, false},
		{"404", step{status: 404, body: "Not Found"}, no, no, no, KindNotFound, false, false},
		{"409", step{status: 409}, no, no, no, KindConflict, false, false},
	}
	for _, tt := range tests {
		for name, want := range map[string]int{"read": tt.reads, "update": tt.updates, "create": tt.creates} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					server := &fakeServer{steps: []step{tt.first, okStep}}
					req := requests[name]
					req.Accept = func(a *Answer) error {
						if string(a.Body) == "bad" {
							return errors.New("bad")
						}
						return nil
					}
					answer, err := testClient(t, server, nil).Do(t.Context(), req)
					if server.sent() != want {
						t.Fatalf("sent %d times, want %d (%v)", server.sent(), want, err)
					}
					if want == yes {
						if err != nil || answer.Attempts != 2 || answer.Repeated != (tt.repeated && name == "update") {
							t.Fatalf("got %+v, %v", answer, err)
						}
						return
					}
					var e *Error
					if !errors.As(err, &e) || e.Kind != tt.kind || e.Uncertain != tt.uncertain || e.Attempts != 1 {
						t.Fatalf("got %#v, want %s, uncertain %t", err, tt.kind, tt.uncertain)
					}
				})
			})
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for name, want := range map[string]Kind{"read": KindMalformed, "create": KindAmbiguous} {
		server := &fakeServer{steps: []step{{status: 302, header: map[string]string{"Location": "https://other.example/"}}}}
		_, err := testClient(t, server, nil).Do(t.Context(), requests[name])
		var e *Error
		if !errors.As(err, &e) || e.Kind != want || server.sent() != 1 {
			t.Errorf("%s: got %v after %d requests, want %s after one", name, err, server.sent(), want)
		}
	}
}

func TestThe429sWaitIsKept(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	tests := []struct {
		name   string
		header func() map[string]string
		want   time.Duration
	}{
		{"seconds", func() map[string]string { return map[string]string{"Retry-After": "7"} }, 7 * time.Second},
		{"date", func() map[string]string { return map[string]string{"Retry-After": date(9 * time.Second)} }, 9 * time.Second},
		{"date of a clock ten minutes ahead", func() map[string]string {
			return map[string]string{"Retry-After": date(609 * time.Second), "Date": date(600 * time.Second)}
		}, 9 * time.Second},
		{"relative reset", func() map[string]string { return map[string]string{"x-ratelimit-reset": "12"} }, 12 * time.Second},
		{"absolute reset", func() map[string]string {
			return map[string]string{"X-Rate-Limit-Reset": fmt.Sprint(time.Now().Unix() + 15)}
		}, 15 * time.Second},
		{"absolute reset in milliseconds", func() map[string]string {
			return map[string]string{"x-ratelimit-reset": fmt.Sprint(time.Now().UnixMilli() + 15500)}
		}, 15500 * time.Millisecond},
		{"Retry-After before reset", func() map[string]string {
			return map[string]string{"Retry-After": "3", "x-ratelimit-reset": "12"}
		}, 3 * time.Second},
		{"nothing said", func() map[string]string { return nil }, 500 * time.Millisecond},
		{"nonsense said", func() map[string]string { return map[string]string{"Retry-After": "soon"} }, 500 * time.Millisecond},
		{"no wait said", func() map[string]string { return map[string]string{"Retry-After": "0"} }, 500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &fakeServer{steps: []step{{status: 429, header: tt.header()}, okStep}}
				if _, err := testClient(t, server, nil).Do(t.Context(), create); err != nil {
					t.Fatal(err)
				}
				if got := server.gaps(); len(got) != 1 || got[0] != tt.want {
					t.Fatalf("waited %v, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestAFailureDoesNotWaitForTheBudget has an answer of 500 that says when calls are counted
// anew: that is no reason to try again so late. Retry-After is.
func TestAFailureDoesNotWaitForTheBudget(t *testing.T) {
	for wait, header := range map[time.Duration]map[string]string{
		500 * time.Millisecond: {"x-ratelimit-reset": "60"}, 3 * time.Second: {"x-ratelimit-reset": "60", "Retry-After": "3"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &fakeServer{steps: []step{{status: 500, header: header}, okStep}}
			if _, err := testClient(t, server, nil).Do(t.Context(), Request{Method: http.MethodGet, Path: "/x"}); err != nil {
				t.Fatal(err)
			}
			if got := server.gaps(); len(got) != 1 || got[0] != wait {
				t.Errorf("waited %v, want %s", got, wait)
			}
		})
	}
}

func TestA429StopsEveryLaneOfTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{status: 429, header: map[string]string{"Retry-After": "30"}}, okStep}}
		budget := NewBudget(Limits{})
		one := testClient(t, server, func(c *Config) { c.Lane = budget.Lane("one", 1) })
		two := testClient(t, server, func(c *Config) { c.Lane = budget.Lane("two", 1) })
		done := make(chan error, 1)
		go func() { _, err := one.Do(t.Context(), read); done <- err }()
		synctest.Wait()
		if _, err := two.Do(t.Context(), read); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for _, gap := range []time.Duration{server.times[1].Sub(server.times[0]), server.times[2].Sub(server.times[0])} {
			if gap < 30*time.Second || gap > 31*time.Second {
				t.Errorf("a call went %s after the 429, want 30s", gap)
			}
		}
	})
}

func TestNothingRemainsSlowsDown(t *testing.T) {
	for _, header := range []map[string]string{
		{"X-Rate-Limit-Limit": "200", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "20"},
		{"x-ratelimit-limit": "200", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "20"},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := &fakeServer{steps: []step{{status: 200, header: header}, okStep}}
			client := testClient(t, server, nil)
			for range 3 {
				if _, err := client.Do(t.Context(), read); err != nil {
					t.Fatal(err)
				}
			}
			if got := server.gaps(); got[0] != 20*time.Second || got[1] != 0 {
				t.Errorf("%v: waited %v, want 20s and then nothing", header, got)
			}
		})
	}
}

func TestAWaitTheCallerCannotOutliveIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{status: 429, header: map[string]string{"Retry-After": "30"}}}}
		client := testClient(t, server, nil)
		start := time.Now()
		for call, attempts := range []int{1, 0} {
			_, err := client.Do(ctxIn(t, 10*time.Second), read)
			var e *Error
			if !errors.As(err, &e) || e.Kind != KindThrottled || e.Attempts != attempts || e.RetryAfter != 30*time.Second {
				t.Fatalf("call %d: got %#v", call, err)
			}
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "due in 30s, the caller's deadline in 10s") {
				t.Errorf("call %d: the error does not say what it did not wait for: %v", call, err)
			}
		}
		if waited := time.Since(start); waited != 0 || server.sent() != 1 {
			t.Errorf("waited %s and sent %d requests", waited, server.sent())
		}
	})
}

func TestBackoffDoublesUntilTheAttemptsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{status: 500}}}
		client := testClient(t, server, func(c *Config) {
			c.Retry = Retry{Attempts: 5, Base: time.Second, Max: 4 * time.Second}
		})
		_, err := client.Do(t.Context(), update)
		want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 2 * time.Second}
		if got := server.gaps(); !slices.Equal(got, want) {
			t.Errorf("waited %v, want %v", got, want)
		}
		var e *Error
		if !errors.As(err, &e) || e.Attempts != 5 || e.Kind != KindUnavailable || !e.Uncertain {
			t.Errorf("got %#v", err)
		}
	})
}

// A bound of failures ends a call that the vendor answers with nonsense, too.
func TestNonsenseIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{status: 200, body: `{`}}}
		client := testClient(t, server, func(c *Config) { c.Retry.Attempts, c.Retry.Failures = 0, 3 })
		req := update
		req.Accept = func(*Answer) error { return errors.New("it is cut") }
		_, err := client.Do(t.Context(), req)
		var e *Error
		if !errors.As(err, &e) || server.sent() != 3 || e.Kind != KindMalformed || e.Final || !e.Uncertain {
			t.Errorf("%d attempts, %v", server.sent(), err)
		}
		req.Accept = func(*Answer) error { return Final(errors.New("it is another's")) }
		if _, err := client.Do(t.Context(), req); !errors.As(err, &e) || server.sent() != 4 || !e.Final {
			t.Errorf("%d attempts, %v", server.sent(), err)
		}
	})
}

// A bound of failures ends a call that the vendor fails to answer; a 429 is no failure.
func TestFailuresHaveABoundOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{status: 429}, {status: 500}, {status: 429}, {err: reset}, {status: 429}, {status: 503}, okStep}}
		client := testClient(t, server, func(c *Config) { c.Retry.Attempts, c.Retry.Failures = 0, 3 })
		_, err := client.Do(t.Context(), update)
		var e *Error
		if !errors.As(err, &e) || server.sent() != 6 || e.Kind != KindUnavailable || e.Status != 503 || e.Attempts != 6 || !e.Uncertain {
			t.Errorf("%d attempts, %v", server.sent(), err)
		}
	})
}

func TestNoLimitOfAttemptsGoesOnUntilTheContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{err: refused}}}
		client := testClient(t, server, func(c *Config) { c.Retry.Attempts = 0 })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		_, err := client.Do(ctx, create)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, refused) || server.sent() < 60 {
			t.Errorf("got %v after %d attempts", err, server.sent())
		}
	})
}

func TestAttemptDeadlineIsNotTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &fakeServer{steps: []step{{took: time.Hour}, {status: 200, took: 9 * time.Second}}}
		start := time.Now()
		if _, err := testClient(t, server, nil).Do(ctxIn(t, time.Minute), read); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took != 19500*time.Millisecond {
			t.Errorf("took %s, want 10s, a wait of 500ms and 9s", took)
		}
	})
}

func TestCallerGivesUpWhileACreateIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, want := range map[string]Kind{"create": KindAmbiguous, "update": KindUnavailable, "read": KindUnavailable} {
			server := &fakeServer{steps: []step{{took: time.Hour}}}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			_, err := testClient(t, server, nil).Do(ctx, requests[name])
			var e *Error
			if !errors.As(err, &e) || e.Kind != want || !errors.Is(err, context.Canceled) || e.Uncertain != (name != "read") {
				t.Errorf("%s: got %#v", name, err)
			}
		}
	})
}

func TestGateIsAskedBeforeEveryAttemptOfAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := errors.New("the lease is over")
		asked := 0
		server := &fakeServer{steps: []step{{status: 500}}}
		client := testClient(t, server, func(c *Config) {
			c.Gate = func(_ context.Context, call Call) error {
				if call.Uncertain != (asked > 0) {
					t.Errorf("before attempt %d: uncertain is %v", call.Attempt, call.Uncertain)
				}
				if asked++; call.Attempt == 3 {
					return closed
				}
				return nil
			}
		})
		_, err := client.Do(t.Context(), update)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, closed) || server.sent() != 2 || asked != 3 || !e.Uncertain || e.Attempts != 2 {
			t.Errorf("got %#v after %d requests, asked %d times", err, server.sent(), asked)
		}
		if _, _ = client.Do(t.Context(), read); asked != 3 {
			t.Error("the gate was asked for a read")
		}
	})
}

func TestCallerGivesUpRightBeforeACreateIsSent(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := &fakeServer{steps: []step{okStep}}
	client := testClient(t, server, func(c *Config) {
		c.Gate = func(context.Context, Call) error { cancel(); return nil }
	})
	_, err := client.Do(ctx, create)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUnavailable || e.Uncertain || e.Attempts != 0 || server.sent() != 0 {
		t.Errorf("got %#v after %d requests", err, server.sent())
	}
}

func TestTokenStaysOutOfErrors(t *testing.T) {
	long := strings.Repeat("x", maxMessage-8)
	for _, s := range []step{
		{status: 400, body: "bad token " + testToken},
		{status: 400, body: long + testToken},
		{status: 400, body: `{"message":"bad token ` + testToken + `"}`},
		{status: 400, body: `{"message":"bad ` + strings.ReplaceAll(testToken, "/", `\/`) + `"}`},
		{status: 400, body: "<title>" + testToken + "</title>"},
		{status: 400, body: url.QueryEscape(testToken)},
		{err: errors.New("proxy says " + testToken)},
		{status: 200, body: testToken},
	} {
		client := testClient(t, &fakeServer{steps: []step{s}}, func(c *Config) { c.Retry.Attempts = 1 })
		req := read
		req.Accept = func(a *Answer) error { return fmt.Errorf("cannot read %s", a.Body) }
		_, err := client.Do(t.Context(), req)
		if err == nil || strings.Contains(err.Error(), testToken[:6]) || strings.Contains(err.Error(), url.QueryEscape(testToken)) {
			t.Errorf("%+v gives %v", s, err)
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			if strings.Contains(cause.Error(), testToken) {
				t.Errorf("%+v: the cause is %v", s, cause)
			}
		}
	}
}

func TestEmptyTokenIsNotSent(t *testing.T) {
	server := &fakeServer{steps: []step{okStep}}
	client := testClient(t, server, func(c *Config) { c.Authorize = func(http.Header) string { return "" } })
	_, err := client.Do(t.Context(), create)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindUnauthorized || server.sent() != 0 || e.Uncertain {
		t.Errorf("got %#v after %d requests", err, server.sent())
	}
}

func TestRequestAsSent(t *testing.T) {
	var calls []Call
	server := &fakeServer{steps: []step{{status: 429, header: map[string]string{"Retry-After": "2"}}, okStep}}
	synctest.Test(t, func(t *testing.T) {
		client := testClient(t, server, func(c *Config) { c.Observe = func(call Call) { calls = append(calls, call) } })
		req := update
		req.Path, req.Query = "/rows/a%2Fb", url.Values{"q": {"x y"}}
		if _, err := client.Do(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	})
	sent := server.reqs[1]
	if got := sent.URL.String(); got != "https://vendor.example/api/rows/a%2Fb?q=x+y" {
		t.Errorf("URL %s", got)
	}
	if sent.GetBody != nil || sent.ContentLength != 2 || server.body[1] != "{}" {
		t.Errorf("GetBody set: %t, length %d, body %q", sent.GetBody != nil, sent.ContentLength, server.body[1])
	}
	if sent.Header.Get("Authorization") != "Bearer "+testToken || sent.Header.Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", sent.Header)
	}
	want := []Call{
		{Method: "PUT", Path: "/rows/{id}", Label: "row", Write: true, Attempt: 1, Status: 429, Kind: KindThrottled},
		{Method: "PUT", Path: "/rows/{id}", Label: "row", Write: true, Attempt: 2, Status: 200, Waited: 2 * time.Second},
	}
	if !slices.Equal(calls, want) {
		t.Errorf("observed %+v, want %+v", calls, want)
	}
}

func TestTooLargeAnAnswerIsNotAskedForAgain(t *testing.T) {
	server := &fakeServer{steps: []step{{status: 200, body: strings.Repeat("x", 1025)}}}
	_, err := testClient(t, server, nil).Do(t.Context(), read)
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindMalformed || server.sent() != 1 || !strings.Contains(err.Error(), "larger than 1024 bytes") {
		t.Errorf("got %v after %d requests", err, server.sent())
	}
}

func TestURLStaysOutOfErrors(t *testing.T) {
	server := &fakeServer{steps: []step{{err: io.ErrUnexpectedEOF}}}
	req := read
	req.Query = url.Values{"email": {"kari@example.org"}}
	_, err := testClient(t, server, func(c *Config) { c.Retry.Attempts = 1 }).Do(t.Context(), req)
	if err == nil || strings.Contains(err.Error(), "kari") {
		t.Errorf("got %v", err)
	}
}

// A call that is given up with a 429 stops the budget all the same: whoever calls
// next would be the one too many.
func TestTheLast429StopsTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			header map[string]string
			want   time.Duration
		}{
			"as it asks for": {map[string]string{"Retry-After": "7"}, 7 * time.Second},
			"by the backoff": {nil, 500 * time.Millisecond},
		} {
			budget := NewBudget(Limits{})
			client := testClient(t, &fakeServer{steps: []step{{status: http.StatusTooManyRequests, header: c.header}}}, func(o *Config) {
				o.Lane, o.Retry.Attempts = budget.Lane("one", 1), 1
			})
			begun := time.Now()
			if _, err := client.Do(t.Context(), Request{Method: http.MethodGet, Path: "/x"}); err == nil {
				t.Fatal("a 429 is no answer")
			}
			if got := budget.StoppedUntil().Sub(begun); got != c.want {
				t.Errorf("%s: the budget is stopped for %s, want %s", name, got, c.want)
			}
		}
	})
}
