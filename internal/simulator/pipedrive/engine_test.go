package pipedrivesim

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

func TestEventsAreDelivered(t *testing.T) {
	s := start(t, bare(Options{Workers: 1}))
	rec := receive(t)
	s.hook(rec, "deal", `,"http_auth_user":"u","http_auth_password":"p"`)
	deal := s.made("/api/v2/deals", `{"title":"A"}`)
	s.data("PATCH", fmt.Sprintf("/api/v2/deals/%d", deal), `{"status":"won"}`)
	s.data("DELETE", fmt.Sprintf("/api/v2/deals/%d", deal), "")
	s.settled()
	if got, want := rec.actions(), []string{"create", "change", "delete"}; !slices.Equal(got, want) {
		t.Fatalf("actions = %v, want %v", got, want)
	}
	if user, pass, ok := (&http.Request{Header: rec.heads[0]}).BasicAuth(); !ok || user != "u" || pass != "p" {
		t.Errorf("basic auth = %s:%s, %v", user, pass, ok)
	}
	log, last := s.Deliveries(1)
	if last != 3 || len(log) != 2 || log[0].Outcome != "delivered" || log[0].ID != deal || log[0].Status != 200 || log[0].Attempt != 1 {
		t.Errorf("deliveries = %+v, last %d", log, last)
	}
	entries, _ := s.Journal(0)
	if e := entries[len(entries)-1]; e.Event != log[1].Event || e.Op != "delete" || e.Via != "api" {
		t.Errorf("the last entry of the journal is %+v, the last delivery %+v", e, log[1])
	}
}

// bubble runs a story on a fake clock, with a receiver in the process.
func bubble(t *testing.T, o Options, answer func(attempt int, r *http.Request) (int, error), story func(s *Server, hook int64)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		n := 0
		o.Transport = carrier(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			n++
			at := n
			mu.Unlock()
			status, err := answer(at, r)
			if err != nil {
				return nil, err
			}
			res := httptest.NewRecorder()
			res.WriteHeader(status)
			return res.Result(), nil
		})
		o.RequestsPerWindow, o.DailyTokens = -1, -1
		s := New(bare(o))
		defer s.Close()
		hook := post(t, s, "/api/v1/webhooks", `{"subscription_url":"http://receiver.example/x","event_action":"*","event_object":"deal"}`)
		story(s, hook)
	})
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }

// post creates something without a network.
func post(t testing.TB, s *Server, path, body string) int64 {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("X-Api-Token", DefaultToken)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code != 200 && w.Code != 201 {
		t.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
	}
	data, _ := simtest.Object(t, w.Body.String())["data"].(map[string]any)
	return id(t, data)
}

func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // fake clock
	synctest.Wait()
}

func attempts(s *Server) (out []string) {
	log, _ := s.Deliveries(0)
	for _, d := range log {
		out = append(out, fmt.Sprintf("%d %s %d", d.Attempt, d.Outcome, d.Status))
	}
	return out
}

func mustCreate(t testing.TB, s *Server) int64 {
	t.Helper()
	id, err := s.Create("deal", `{"title":"A"}`)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestRetriesComeAfter3And30And150Seconds(t *testing.T) {
	var at []time.Time
	bubble(t, Options{}, func(int, *http.Request) (int, error) { at = append(at, time.Now()); return 500, nil }, func(s *Server, _ int64) {
		began := time.Now()
		mustCreate(t, s)
		pass(time.Hour)
		var waits []time.Duration
		for _, moment := range at {
			waits = append(waits, moment.Sub(began).Round(time.Second))
		}
		if want := []time.Duration{0, 3 * time.Second, 33 * time.Second, 183 * time.Second}; !slices.Equal(waits, want) {
			t.Errorf("attempts after %v, want %v", waits, want)
		}
		if got, want := attempts(s), []string{"1 failed 500", "2 failed 500", "3 failed 500", "4 gave_up 500"}; !slices.Equal(got, want) {
			t.Errorf("outcomes = %v, want %v", got, want)
		}
		if s.Pending() != 0 {
			t.Errorf("%d deliveries are pending", s.Pending())
		}
	})
}

func TestARetryThatSucceedsIsTheLast(t *testing.T) {
	bubble(t, Options{}, func(n int, _ *http.Request) (int, error) { return []int{0, 503, 204}[n], nil }, func(s *Server, _ int64) {
		mustCreate(t, s)
		pass(time.Hour)
		if got, want := attempts(s), []string{"1 failed 503", "2 delivered 204"}; !slices.Equal(got, want) {
			t.Errorf("outcomes = %v, want %v", got, want)
		}
	})
}

func TestWhatIsNoSuccess(t *testing.T) {
	for name, answer := range map[string]func(int, *http.Request) (int, error){
		"redirect":     func(int, *http.Request) (int, error) { return 302, nil },
		"unauthorized": func(int, *http.Request) (int, error) { return 401, nil },
		"no answer":    func(int, *http.Request) (int, error) { return 0, errors.New("refused") },
		"10 s": func(_ int, r *http.Request) (int, error) {
			began := time.Now()
			<-r.Context().Done()
			if waited := time.Since(began); waited != 10*time.Second {
				return 200, nil
			}
			return 0, r.Context().Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Options{}, answer, func(s *Server, _ int64) {
				mustCreate(t, s)
				pass(time.Hour)
				if got := attempts(s); len(got) != 4 || !strings.HasPrefix(got[0], "1 failed") {
					t.Errorf("outcomes = %v, want four attempts", got)
				}
			})
		})
	}
}

func TestTenFailedFirstAttemptsAreABan(t *testing.T) {
	down := true
	bubble(t, Options{Workers: 1}, func(int, *http.Request) (int, error) {
		if down {
			return 500, nil
		}
		return 200, nil
	}, func(s *Server, hook int64) {
		for range 9 {
			mustCreate(t, s)
		}
		pass(time.Hour) // their retries fail as well, and do not count
		if h := s.Hooks()[0]; h.Banned || h.Failures != 9 {
			t.Fatalf("after nine failures: %+v", h)
		}
		mustCreate(t, s)
		pass(time.Second)
		if h := s.Hooks()[0]; !h.Banned || h.Failures != 0 {
			t.Fatalf("after ten failures: %+v", h)
		}
		down = false
		before := len(attempts(s))
		mustCreate(t, s)
		pass(29 * time.Minute)
		log := attempts(s)[before:]
		if !slices.Contains(log, "0 banned 0") || slices.ContainsFunc(log, func(a string) bool { return strings.Contains(a, "delivered") }) {
			t.Errorf("while banned: %v", log)
		}
		pass(2 * time.Minute)
		before = len(attempts(s))
		mustCreate(t, s)
		pass(time.Second)
		if got := attempts(s)[before:]; !slices.Equal(got, []string{"1 delivered 200"}) {
			t.Errorf("after the ban: %v", got)
		}
		if h := s.Hooks()[0]; h.Banned || h.ID != hook {
			t.Errorf("after the ban: %+v", h)
		}
	})
}

func TestThreeDaysWithoutSuccessDeleteAWebhook(t *testing.T) {
	bubble(t, Options{}, func(int, *http.Request) (int, error) { return 500, nil }, func(s *Server, _ int64) {
		pass(100 * time.Hour) // nothing to deliver is no failure
		mustCreate(t, s)
		pass(71 * time.Hour)
		if h := s.Hooks()[0]; !h.Active {
			t.Fatalf("deleted after less than three days: %+v", h)
		}
		pass(2 * time.Hour)
		if h := s.Hooks()[0]; h.Active || !strings.Contains(h.Removed, "3 consecutive days") {
			t.Fatalf("not deleted after three days: %+v", h)
		}
		mustCreate(t, s)
		pass(time.Minute)
		if log, _ := s.Deliveries(0); len(log) != 4 {
			t.Errorf("%d deliveries, want the four before it was deleted", len(log))
		}
	})
}

func TestASuccessBeginsTheThreeDaysAnew(t *testing.T) {
	bubble(t, Options{}, func(n int, _ *http.Request) (int, error) { return map[bool]int{true: 200, false: 500}[n == 5], nil }, func(s *Server, _ int64) {
		mustCreate(t, s)
		pass(60 * time.Hour)
		mustCreate(t, s) // the fifth attempt succeeds
		pass(60 * time.Hour)
		if h := s.Hooks()[0]; !h.Active {
			t.Errorf("deleted: %+v", h)
		}
	})
}

func TestTheClockOfDeliveriesIsScaled(t *testing.T) {
	bubble(t, Options{Scale: 100}, func(int, *http.Request) (int, error) { return 500, nil }, func(s *Server, hook int64) {
		mustCreate(t, s)
		pass(1900 * time.Millisecond) // 190 s of the engine's clock
		if got := len(attempts(s)); got != 4 {
			t.Fatalf("%d attempts at scale 100, want 4", got)
		}
		if err := s.BanHook(hook); err != nil {
			t.Fatal(err)
		}
		s.SetScale(1000)
		pass(1700 * time.Millisecond)
		if !s.Hooks()[0].Banned {
			t.Error("the ban ended before its 30 minutes")
		}
		pass(200 * time.Millisecond)
		if s.Hooks()[0].Banned {
			t.Error("the ban did not end after 30 minutes of a faster clock")
		}
	})
}

func TestTheTimeoutIsNotScaledBelowItsMinimum(t *testing.T) {
	var waited time.Duration
	bubble(t, Options{Scale: 1000, MinTimeout: time.Second}, func(_ int, r *http.Request) (int, error) {
		began := time.Now()
		<-r.Context().Done()
		waited = time.Since(began)
		return 0, r.Context().Err()
	}, func(s *Server, _ int64) {
		mustCreate(t, s)
		pass(5 * time.Second)
		if waited != time.Second {
			t.Errorf("gave up after %s, want 1 s", waited)
		}
	})
}

func TestGiveUpAndSettle(t *testing.T) {
	bubble(t, Options{}, func(int, *http.Request) (int, error) { return 500, nil }, func(s *Server, _ int64) {
		mustCreate(t, s)
		pass(time.Second)
		if s.Settle(time.Millisecond) || s.Pending() != 1 {
			t.Fatalf("settled with %d deliveries pending", s.Pending())
		}
		s.GiveUp()
		if !s.Settle(time.Millisecond) || s.Pending() != 0 {
			t.Fatalf("not settled: %d deliveries pending", s.Pending())
		}
		if got, want := attempts(s), []string{"1 failed 500", "1 gave_up 0"}; !slices.Equal(got, want) {
			t.Errorf("outcomes = %v, want %v", got, want)
		}
	})
}

func TestAWebhookDeletedByHandGetsNothing(t *testing.T) {
	bubble(t, Options{}, func(int, *http.Request) (int, error) { return 200, nil }, func(s *Server, hook int64) {
		if err := s.DeleteHook(hook); err != nil {
			t.Fatal(err)
		}
		mustCreate(t, s)
		pass(time.Second)
		if log, _ := s.Deliveries(0); len(log) != 0 {
			t.Errorf("deliveries = %+v", log)
		}
		if err := s.DeleteHook(99); err == nil {
			t.Error("a webhook that does not exist was deleted")
		}
	})
}
