package planhat

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
	token := func() string { return testToken }
	for base, say := range map[string]string{
		"":                               "empty",
		"api.planhat.com":                "https://",
		"ftp://api.planhat.com":          "https://",
		"https://":                       "no host",
		"https://user:pass@planhat.com":  "user name",
		"https://api.planhat.com?x=1":    "query",
		"https://api.planhat.com/%zz":    "not a URL",
		"https://api.planhat.com/#there": "fragment",
	} {
		if _, err := New(base, token); err == nil || !strings.Contains(err.Error(), say) || strings.Contains(err.Error(), "pass") {
			t.Errorf("%q: got %v, want it to say %q", base, err, say)
		}
	}
	if _, err := New(DefaultBaseURL, nil); err == nil {
		t.Error("made a client without a token")
	}
	for name, opt := range map[string]Option{
		"deadline": WithCallDeadline(0), "body": WithMaxBody(0), "attempts": WithRetry(Retry{Attempts: -1}),
		"waits": WithRetry(Retry{Base: time.Minute, Max: time.Second}), "jitter": WithJitter(nil),
	} {
		if _, err := New(DefaultBaseURL, token, opt); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, opt := range []Option{WithRetry(Retry{}), WithBudget(nil), WithHTTPClient(nil)} {
		if _, err := New(DefaultBaseURL+"/", token, opt); err != nil {
			t.Error(err)
		}
	}
}

func TestTokenIsAskedForBeforeEveryAttempt(t *testing.T) {
	tokens := []string{"old", "new"}
	var used []string
	rt := transport(func(r *http.Request) (*http.Response, error) {
		used = append(used, r.Header.Get("Authorization"))
		return always(503, "").RoundTrip(r)
	})
	c, err := New("https://planhat.example", func() string { token := tokens[0]; tokens = tokens[1:]; return token },
		WithHTTPClient(&http.Client{Transport: rt}), WithRetry(Retry{Attempts: 2, Base: 1, Max: 1}), WithUserAgent("mine/1"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = c.LeanCompanies(t.Context())
	if want := []string{"Bearer old", "Bearer new"}; !slices.Equal(used, want) {
		t.Errorf("used %q, want %q", used, want)
	}
}

func TestTokenIsInNoError(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 500} {
		_, err := clientFor(t, always(status, `{"message":"token `+testToken+` is bad"}`)).Get(t.Context(), Company, ByID(hexID(1)))
		var e *Error
		if !errors.As(err, &e) || strings.Contains(err.Error(), testToken) || strings.Contains(e.Message, testToken) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	silent, _ := New("https://planhat.example", func() string { return "" }, WithHTTPClient(&http.Client{Transport: always(200, "[]")}))
	if _, err := silent.LeanCompanies(t.Context()); KindOf(err) != KindUnauthorized {
		t.Errorf("an empty token: %v", err)
	}
}

func TestObserverAndGate(t *testing.T) {
	stale := errors.New("not the owner any more")
	var seen []Call
	open := true
	fake := always(200, record(1))
	c := clientFor(t, fake,
		WithObserver(func(call Call) { call.Duration, call.Waited = 0, 0; seen = append(seen, call) }),
		WithGate(func(_ context.Context, call Call) error {
			if open || call.Object != Note {
				return nil
			}
			return stale
		}))
	if _, err := c.Update(t.Context(), Note, ByID(hexID(1)), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	open = false
	_, err := c.Delete(t.Context(), Note, hexID(1))
	if !errors.Is(err, stale) || len(fake.asked()) != 1 {
		t.Errorf("got %v after %d requests", err, len(fake.asked()))
	}
	want := []Call{{Method: "PUT", Path: "/conversations/{id}", Object: Note, Attempt: 1, Status: 200, Write: true}}
	if !slices.EqualFunc(seen, want, func(a, b Call) bool { return a == b }) {
		t.Errorf("observed %+v, want %+v", seen, want)
	}
}

func TestBudgetIsSharedByClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := NewBudget(BudgetOptions{PerMinute: 60})
		fake := always(200, "[]")
		source := clientFor(t, fake, WithBudget(budget.Lane("source", 1)))
		sink := clientFor(t, fake, WithBudget(budget.Lane("sink", 1)))
		start := time.Now()
		for range 5 {
			for _, c := range []*Client{source, sink} {
				if _, err := c.LeanCompanies(WithPriority(t.Context(), PriorityHigh)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if took := time.Since(start); took != 9*time.Second {
			t.Errorf("10 calls at one a second took %s", took)
		}
		if stats := budget.Lane("sink", 1).Stats(); stats.Granted != 5 || stats.InFlight != 0 || stats.Waited != 5*time.Second {
			t.Errorf("stats %+v", stats)
		}
	})
}

func TestDefaultBudgetKeepsToTheDocumentedQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := always(200, "[]")
		c, err := New(DefaultBaseURL, func() string { return testToken }, WithHTTPClient(&http.Client{Transport: fake}))
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for range 201 {
			if _, err := c.LeanCompanies(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < time.Minute || took > 61*time.Second {
			t.Errorf("201 calls took %s, want just over a minute", took)
		}
	})
}

func TestRetryAfterReachesTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := transport(func(r *http.Request) (*http.Response, error) {
			resp, err := always(429, "Too many requests").RoundTrip(r)
			resp.Header.Set("Retry-After", "90")
			return resp, err
		})
		budget := NewBudget(BudgetOptions{})
		c := clientFor(t, rt, WithBudget(budget.Lane("a", 1)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.LeanCompanies(ctx)
		var e *Error
		if !errors.As(err, &e) || e.Kind != KindThrottled || e.RetryAfter != 90*time.Second || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %#v", err)
		}
		if got := budget.StoppedUntil(); !got.Equal(time.Now().Add(90 * time.Second)) {
			t.Errorf("stopped until %s", got)
		}
	})
}

func TestKindNames(t *testing.T) {
	want := []string{"none", "invalid", "unauthorized", "forbidden", "notFound", "conflict", "throttled", "unavailable", "ambiguous", "malformed"}
	for k := KindNone; k <= KindMalformed; k++ {
		if k.String() != want[k] {
			t.Errorf("kind %d is %q, want %q", int(k), k, want[k])
		}
	}
	if KindOf(errors.New("x")) != KindNone || KindOf(nil) != KindNone || Kind(99).String() != "unknown" {
		t.Error("foreign errors have a kind")
	}
}
