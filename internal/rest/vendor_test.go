package rest

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A vendor that counts in windows of two seconds, and whose reset has a unit that
// nobody documents.
func TestWindowsOfAnyLength(t *testing.T) {
	const window = 2 * time.Second
	for name, tt := range map[string]struct {
		header map[string]string
		want   time.Duration
	}{
		"nothing said":         {nil, window},
		"shorter":              {map[string]string{"x-ratelimit-reset": "1"}, window},
		"in milliseconds":      {map[string]string{"x-ratelimit-reset": "1500"}, window},
		"longer, asked for":    {map[string]string{"Retry-After": "30"}, 30 * time.Second},
		"shorter, asked for":   {map[string]string{"Retry-After": "1"}, window},
		"asked for, and reset": {map[string]string{"Retry-After": "3", "x-ratelimit-reset": "1"}, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &fakeServer{steps: []step{{status: 429, header: tt.header}, okStep}}
				c := testClient(t, server, func(cfg *Config) { cfg.Window = window })
				if _, err := c.Do(t.Context(), read); err != nil {
					t.Fatal(err)
				}
				if got := server.gaps(); got[0] != tt.want {
					t.Errorf("waited %s, want %s", got[0], tt.want)
				}
			})
		})
	}
}

func TestAnEmptyWindowHoldsOneWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		empty := map[string]string{"x-ratelimit-remaining": "0", "x-ratelimit-reset": "90"}
		server := &fakeServer{steps: []step{{status: 200, header: empty}}}
		c := testClient(t, server, func(cfg *Config) { cfg.Window = 2 * time.Second })
		for range 2 {
			if _, err := c.Do(t.Context(), read); err != nil {
				t.Fatal(err)
			}
		}
		if got := server.gaps(); got[0] != 2*time.Second {
			t.Errorf("waited %s", got[0])
		}
	})
}

func TestNoSpanOfAWindowHoldsMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane := NewBudget(Limits{PerWindow: 20, Window: 2 * time.Second}).Lane("a", 1)
		times := take(t, lane, 70)
		for i := 20; i < len(times); i++ {
			if span := times[i].Sub(times[i-20]); span < 2*time.Second {
				t.Fatalf("calls %d to %d within %s", i-20, i, span)
			}
		}
		if took := times[69].Sub(times[0]); took > 7*time.Second {
			t.Errorf("70 calls took %s", took)
		}
	})
}

// An answer of status 200 may be a refusal; it is treated as what it says it is.
func TestARefusalInA200(t *testing.T) {
	for kind, sent := range map[Kind]int{KindInvalid: 1, KindNotFound: 1, KindUnavailable: 2, KindThrottled: 2} {
		synctest.Test(t, func(t *testing.T) {
			server := &fakeServer{steps: []step{{status: 200, body: "no"}, okStep}}
			req := read
			req.Accept = func(a *Answer) error {
				if string(a.Body) == "no" {
					return &Refused{Kind: kind, Message: "no, " + testToken}
				}
				return nil
			}
			_, err := testClient(t, server, nil).Do(t.Context(), req)
			if server.sent() != sent {
				t.Errorf("%s: sent %d times, want %d", kind, server.sent(), sent)
			}
			var e *Error
			if sent == 1 && (!errors.As(err, &e) || e.Kind != kind || e.Message != "no, [token]" || e.Status != 200) {
				t.Errorf("%s: %#v", kind, err)
			}
		})
	}
	if err := (&Refused{Kind: KindInvalid, Message: "no"}); err.Error() != "invalid: no" {
		t.Error(err)
	}
}

// A create that is refused in a 200 was not carried out: it is no ambiguous one.
func TestACreateThatIsRefusedInA200(t *testing.T) {
	server := &fakeServer{steps: []step{{status: 200}}}
	req := create
	req.Accept = func(*Answer) error { return &Refused{Kind: KindInvalid, Message: "no"} }
	_, err := testClient(t, server, nil).Do(t.Context(), req)
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != KindInvalid || e.Uncertain {
		t.Errorf("got %#v", err)
	}
}

func TestWhatAVendorSaysInItsOwnWay(t *testing.T) {
	say := func(body []byte) string { return strings.TrimPrefix(string(body), "says ") }
	for body, want := range map[string]string{"says " + testToken: "[token]", "": ""} {
		server := &fakeServer{steps: []step{{status: 400, body: body}}}
		_, err := testClient(t, server, func(cfg *Config) { cfg.Say = say }).Do(t.Context(), read)
		if e, ok := errors.AsType[*Error](err); !ok || e.Message != want {
			t.Errorf("%q: got %#v", body, err)
		}
	}
	none := func([]byte) string { return "" }
	server := &fakeServer{steps: []step{{status: 400, body: `{"message":"bad"}`}}}
	_, err := testClient(t, server, func(cfg *Config) { cfg.Say = none }).Do(t.Context(), read)
	if e, ok := errors.AsType[*Error](err); !ok || e.Message != "bad" {
		t.Errorf("got %#v", err)
	}
}

// The meter sees the headers of every answer, and the price of every call.
func TestTheMeter(t *testing.T) {
	var seen []Call
	var limits []string
	server := &fakeServer{steps: []step{{status: 503, header: map[string]string{"X-Limit": "7"}}, {err: reset}, okStep}}
	req := read
	req.Cost = 10
	c := testClient(t, server, func(cfg *Config) {
		cfg.Retry.Base = time.Nanosecond
		cfg.Retry.Max = time.Nanosecond
		cfg.Meter = func(c Call, h http.Header) {
			seen = append(seen, c)
			limits = append(limits, h.Get("X-Limit"))
		}
	})
	if _, err := c.Do(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 3 || seen[0].Cost != 10 || seen[0].Status != 503 || seen[1].Status != 0 || seen[2].Kind != KindNone || limits[0] != "7" || limits[1] != "" {
		t.Errorf("seen %+v, limits %q", seen, limits)
	}
}

// New kinds are not tried again: none of them is over in seconds.
func TestKindsThatLast(t *testing.T) {
	for _, kind := range []Kind{KindDailyBudget, KindBlocked, KindUnpaid, KindLimit} {
		server := &fakeServer{steps: []step{{status: 429}}}
		_, err := testClient(t, server, func(cfg *Config) { cfg.Classify = func(*Answer, string) Kind { return kind } }).Do(t.Context(), read)
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != kind || server.sent() != 1 || kind.String() == "unknown" {
			t.Errorf("%s: %v after %d requests", kind, err, server.sent())
		}
	}
}
