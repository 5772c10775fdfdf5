package pipedrive

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestNew(t *testing.T) {
	u, _ := ParseURL("acme")
	token := func() string { return testToken }
	if _, err := New(URL{}, token); err == nil {
		t.Error("made a client without an address")
	}
	if _, err := New(u, nil); err == nil {
		t.Error("made a client without a token")
	}
	for name, opt := range map[string]Option{
		"deadline": WithCallDeadline(0), "body": WithMaxBody(0), "attempts": WithRetry(Retry{Attempts: -1}),
		"waits": WithRetry(Retry{Base: time.Minute, Max: time.Second}), "jitter": WithJitter(nil),
	} {
		if _, err := New(u, token, opt); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, opt := range []Option{WithRetry(Retry{}), WithBudget(nil), WithHTTPClient(nil), WithUserAgent("mine/1"), WithGuard(nil)} {
		if c, err := New(u, token, opt); err != nil || c.URL() != u {
			t.Error(err)
		}
	}
}

func TestWhereCallsGo(t *testing.T) {
	for address, want := range map[string][]string{
		"acme":                      {"/api/v2/deals/1", "/api/v1/notes/1"},
		"https://api.pipedrive.com": {"/api/v2/deals/1", "/v1/notes/1"},
		"https://proxy.example/crm": {"/crm/api/v2/deals/1", "/crm/api/v1/notes/1"},
	} {
		fake := always(200, one(`{"id":1}`))
		c := clientAt(t, address, fake, WithUserAgent("mine/1"))
		for _, o := range []Object{Deal, Note} {
			if _, err := c.Get(t.Context(), o, 1); err != nil {
				t.Fatal(err)
			}
		}
		asked := fake.asked()
		if got := []string{asked[0].Path, asked[1].Path}; !slices.Equal(got, want) {
			t.Errorf("%s: asked %v, want %v", address, got, want)
		}
		h := asked[0].Header
		if h.Get("X-Api-Token") != testToken || h.Get("User-Agent") != "mine/1" || h.Get("Authorization") != "" || len(asked[0].Query) != 0 {
			t.Errorf("%s: sent %v, %v", address, h, asked[0].Query)
		}
	}
}

func TestTokenIsInNoError(t *testing.T) {
	bodies := []string{
		`{"success":false,"error":"token ` + testToken + ` is bad"}`, `{"status":"error","errors":{"a":["` + testToken + `"]}}`, testToken,
	}
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{200, 400, 401, 403, 404, 429, 500} {
			for _, body := range bodies {
				_, err := clientFor(t, always(status, body)).Get(t.Context(), Deal, 1)
				var e *Error
				if !errors.As(err, &e) || strings.Contains(err.Error(), testToken) || strings.Contains(e.Message, testToken) {
					t.Errorf("%d %s: got %v", status, body, err)
				}
			}
		}
	})
}

func TestObserverGateAndGuard(t *testing.T) {
	stale := errors.New("not the owner any more")
	var seen []Call
	open, guarded := true, error(nil)
	fake := always(200, `{"status":"ok","success":true,"data":null}`)
	c := clientFor(t, fake,
		WithObserver(func(call Call) { call.Duration, call.Waited = 0, 0; seen = append(seen, call) }),
		WithGuard(func() error { return guarded }),
		WithGate(func(context.Context, Call) error {
			if open {
				return nil
			}
			return stale
		}))
	if err := c.DeleteWebhook(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Webhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	open = false
	if err := c.DeleteWebhook(t.Context(), 7); !errors.Is(err, stale) || len(fake.asked()) != 2 {
		t.Errorf("got %v after %d requests", err, len(fake.asked()))
	}
	guarded = stale
	if _, err := c.Webhooks(t.Context()); !errors.Is(err, stale) || len(fake.asked()) != 2 {
		t.Errorf("got %v after %d requests", err, len(fake.asked()))
	}
	want := []Call{
		{Method: "DELETE", Path: "/v1/webhooks/{id}", Object: "webhook", Attempt: 1, Status: 200, Tokens: 6, Write: true},
		{Method: "GET", Path: "/v1/webhooks", Object: "webhook", Attempt: 1, Status: 200, Tokens: 10},
	}
	if len(seen) < 2 || !slices.Equal(seen[:2], want) {
		t.Errorf("observed %+v, want %+v", seen, want)
	}
}

// One row: what is answered, of which kind that is, and how often it is asked. Twice or
// more means that the client tries again.
func TestKindsOfAnswers(t *testing.T) {
	html := map[string]string{"Content-Type": "text/html; charset=UTF-8"}
	daily := func(left, window string) map[string]string {
		h := map[string]string{"x-ratelimit-limit": "40", "x-ratelimit-remaining": window, "x-ratelimit-reset": "2"}
		if left != "" {
			h["x-daily-ratelimit-token-remaining"] = left
		}
		return h
	}
	tests := []struct {
		name  string
		reply reply
		kind  Kind
		asked int
		code  string
	}{
		{"found", reply{200, one(`{"id":1}`), nil}, KindNone, 1, ""},
		{"no in a 200", reply{200, `{"success":false,"error":"Bad request"}`, nil}, KindInvalid, 1, ""},
		{"no in a 200, by code", reply{200, `{"success":false,"error":"x","errorCode":401}`, nil}, KindUnauthorized, 1, "401"},
		{"no in a 200, by status", reply{200, `{"status":"error","errors":{"id":["not found"]}}`, nil}, KindInvalid, 1, ""},
		{"unavailable in a 200", reply{200, `{"success":false,"error":"x","errorCode":503}`, nil}, KindUnavailable, 3, "503"},
		{"204", reply{204, ``, nil}, KindNotFound, 1, ""},
		{"null", reply{200, one(`null`), nil}, KindNotFound, 1, ""},
		{"empty", reply{200, ``, nil}, KindMalformed, 3, ""},
		{"no data", reply{200, `{"success":true}`, nil}, KindMalformed, 3, ""},
		{"no envelope", reply{200, `{}`, nil}, KindMalformed, 3, ""},
		{"a list", reply{200, `[]`, nil}, KindMalformed, 3, ""},
		{"cut", reply{200, `{"success":true,"data":{"id":1`, nil}, KindMalformed, 3, ""},
		{"a page of a portal", reply{200, `<html><title>Welcome</title>`, html}, KindMalformed, 3, ""},
		{"400", reply{400, `{"success":false,"error":"Validation failed: x","code":"ERR_SCHEMA_VALIDATION_FAILED"}`, nil}, KindInvalid, 1, "ERR_SCHEMA_VALIDATION_FAILED"},
		{"401", reply{401, `{"success":false,"error":"unauthorized access","errorCode":401}`, nil}, KindUnauthorized, 1, "401"},
		{"402", reply{402, `{"success":false,"error":"Company not open"}`, nil}, KindUnpaid, 1, ""},
		{"403", reply{403, `{"success":false,"error":"You do not have permissions to do this."}`, nil}, KindForbidden, 1, ""},
		{"403 of the plan", reply{403, `{"success":false,"error":"x","code":"feature_capping_deals_limit"}`, nil}, KindForbidden, 1, "feature_capping_deals_limit"},
		{"403 page", reply{403, `<!DOCTYPE html><html><body>Access denied</body></html>`, html}, KindBlocked, 1, ""},
		{"403 page that says it is JSON", reply{403, `<html>`, nil}, KindBlocked, 1, ""},
		{"403 in words", reply{403, `error code: 1020`, map[string]string{"Content-Type": "text/plain"}}, KindBlocked, 1, ""},
		{"404", reply{404, `{"success":false,"error":"Entity was not found"}`, nil}, KindNotFound, 1, ""},
		{"404 of a proxy", reply{404, `<html>`, html}, KindUnavailable, 3, ""},
		{"409", reply{409, `{"success":false}`, nil}, KindConflict, 1, ""},
		{"410", reply{410, `{"success":false,"error":"The field is not found"}`, nil}, KindNotFound, 1, ""},
		{"415", reply{415, `{"success":false}`, nil}, KindForbidden, 1, ""},
		{"422", reply{422, `{"status":"error","success":false}`, nil}, KindLimit, 1, ""},
		{"429", reply{429, ``, nil}, KindThrottled, 3, ""},
		{"429 of the window", reply{429, `{}`, daily("", "0")}, KindThrottled, 3, ""},
		{"429 of the window, the day has tokens", reply{429, `{}`, daily("5000", "1")}, KindThrottled, 3, ""},
		{"429 of the day", reply{429, `{}`, daily("0", "39")}, KindDailyBudget, 1, ""},
		{"429 of the day, next to nothing left", reply{429, `{}`, daily("7", "0")}, KindDailyBudget, 1, ""},
		{"429 of the day, by the window", reply{429, `{}`, daily("", "39")}, KindDailyBudget, 1, ""},
		{"500", reply{500, `{"success":false,"error":"Internal Server Error","code":"ERR_UNKNOWN"}`, nil}, KindUnavailable, 3, "ERR_UNKNOWN"},
		{"503", reply{503, ``, nil}, KindUnavailable, 3, ""},
		{"redirect", reply{302, ``, map[string]string{"Location": "https://elsewhere.example/"}}, KindMalformed, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := inTurn(tt.reply)
				_, err := clientFor(t, fake).Get(t.Context(), Deal, 1)
				if KindOf(err) != tt.kind || len(fake.asked()) != tt.asked {
					t.Fatalf("got %s after %d requests, want %s after %d (%v)", KindOf(err), len(fake.asked()), tt.kind, tt.asked, err)
				}
				var e *Error
				if errors.As(err, &e) && e.Code != tt.code {
					t.Errorf("code %q, want %q", e.Code, tt.code)
				}
			})
		})
	}
}

// A 429 of the window is waited out: two seconds at least, whatever unit its headers
// are in, and longer where Retry-After says so.
func TestABurst429WaitsForTheWindow(t *testing.T) {
	for name, tt := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"nothing said":          {nil, 2 * time.Second},
		"seconds":               {map[string]string{"x-ratelimit-reset": "2"}, 2 * time.Second},
		"less than the window":  {map[string]string{"x-ratelimit-reset": "1"}, 2 * time.Second},
		"milliseconds":          {map[string]string{"x-ratelimit-reset": "1800"}, 2 * time.Second},
		"Retry-After":           {map[string]string{"Retry-After": "5", "x-ratelimit-reset": "1"}, 5 * time.Second},
		"Retry-After, too soon": {map[string]string{"Retry-After": "1"}, 2 * time.Second},
		"Retry-After of 0":      {map[string]string{"Retry-After": "0"}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := NewBudget(BudgetOptions{})
				fake := inTurn(reply{429, `{"success":false,"error":"Rate limit exceeded"}`, tt.header}, reply{200, one(`{"id":1}`), nil})
				c := clientFor(t, fake, WithBudget(budget.Lane("a", 1)))
				if _, err := c.Get(t.Context(), Deal, 1); err != nil {
					t.Fatal(err)
				}
				asked := fake.asked()
				if waited := asked[1].At.Sub(asked[0].At); waited != tt.want || budget.StoppedUntil().Sub(asked[0].At) != tt.want {
					t.Errorf("waited %s, all others until %s after it, want %s", waited, budget.StoppedUntil().Sub(asked[0].At), tt.want)
				}
			})
		})
	}
}

func TestNoTwoSecondsHoldMoreThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := always(200, one(`{"id":1}`))
		budget := NewBudget(BudgetOptions{RequestsPer2s: 20})
		source := clientFor(t, fake, WithBudget(budget.Lane("source", 1)))
		sink := clientFor(t, fake, WithBudget(budget.Lane("sink", 1)))
		for range 50 {
			for _, c := range []*Client{source, sink} {
				if _, err := c.Get(WithPriority(t.Context(), PriorityHigh), Deal, 1); err != nil {
					t.Fatal(err)
				}
			}
		}
		asked := fake.asked()
		for i := 20; i < len(asked); i++ {
			if span := asked[i].At.Sub(asked[i-20].At); span < 2*time.Second {
				t.Fatalf("calls %d to %d within %s", i-20, i, span)
			}
		}
		if took := asked[99].At.Sub(asked[0].At); took > 9*time.Second {
			t.Errorf("100 calls took %s", took)
		}
	})
}

// When the window has nothing left, the next call waits, although nobody was refused.
func TestAnEmptyWindowIsHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := inTurn(reply{200, one(`{"id":1}`), map[string]string{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "2"}})
		c := clientFor(t, fake)
		for range 2 {
			if _, err := c.Get(t.Context(), Deal, 1); err != nil {
				t.Fatal(err)
			}
		}
		asked := fake.asked()
		if waited := asked[1].At.Sub(asked[0].At); waited != 2*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := "178420"
		fake := &api{rule: func(n int, r request) reply {
			h := map[string]string{"x-ratelimit-limit": "40", "x-ratelimit-remaining": "39"}
			if left != "" {
				h["x-daily-ratelimit-token-limit"], h["x-daily-ratelimit-token-remaining"] = "180000", left
			}
			switch r.Path {
			case "/api/v2/deals/2":
				return reply{429, `{}`, h}
			case "/api/v2/deals/3":
				return reply{403, `<html>`, h}
			case "/api/v2/deals/4":
				return reply{404, `{"success":false}`, h}
			case "/api/v2/deals/1":
				return reply{200, one(`{"id":1}`), h}
			}
			return reply{200, list(""), h}
		}}
		c := clientFor(t, fake)
		if u := c.Usage(); u.Limit != -1 || u.Remaining != -1 || u.Spent != 0 || u.Beyond(0.1) {
			t.Errorf("at first: %+v", u)
		}
		for id := range int64(4) {
			_, _ = c.Get(t.Context(), Deal, id+1) // 1, refused, shut out, 1
		}
		_, _ = c.Page(t.Context(), Deal, ListOptions{})               // 10
		_, _ = c.Page(t.Context(), Deal, ListOptions{Archived: true}) // 20
		_, _ = c.Page(t.Context(), Pipeline, ListOptions{})           // 5
		_, _ = c.Page(t.Context(), Note, ListOptions{})               // 20
		u := c.Usage()
		if u.Spent != 57 || u.Total != 57 || u.Limit != 180000 || u.Remaining != 178420 || u.WindowLimit != 40 || u.WindowRemaining != 39 || u.Said.IsZero() {
			t.Errorf("got %+v", u)
		}
		if !u.Beyond(0.0003) || u.Beyond(0.001) {
			t.Error("the share is not kept")
		}
		left = "180000" // another day
		_, _ = c.Get(t.Context(), Deal, 1)
		if u := c.Usage(); u.Spent != 1 || u.Total != 58 || u.Remaining != 180000 {
			t.Errorf("on the next day: %+v", u)
		}
	})
}

// Without headers a day is one of UTC.
func TestUsageWithoutHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientFor(t, always(200, one(`{"id":1}`)))
		for range 3 {
			_, _ = c.Get(t.Context(), Deal, 1)
		}
		if u := c.Usage(); u.Spent != 3 || u.Limit != -1 {
			t.Errorf("got %+v", u)
		}
		time.Sleep(24 * time.Hour) //nolint:forbidigo // fake clock
		_, _ = c.Get(t.Context(), Deal, 1)
		if u := c.Usage(); u.Spent != 1 || u.Total != 4 {
			t.Errorf("on the next day: %+v", u)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	down := errors.New("connection refused")
	c := clientFor(t, transport(func(*http.Request) (*http.Response, error) { return nil, down }))
	_, err := c.Get(t.Context(), Deal, 1)
	if KindOf(err) != KindUnavailable || !errors.Is(err, down) || c.Usage().Spent != 0 {
		t.Errorf("got %v, spent %d", err, c.Usage().Spent)
	}
	c.CloseIdleConnections()
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
