package ops

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

func newTestAdmin(addr string) *Admin {
	return NewAdmin(addr, newRegistry(Build{Version: "v1", Revision: "abc", Go: "go1"}), slog.New(slog.DiscardHandler))
}

func get(a *Admin, path string) (int, string) {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
	return w.Code, w.Body.String()
}

func TestReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newTestAdmin("")
		if code, _ := get(a, "/readyz"); code != http.StatusOK {
			t.Errorf("without checks: %d", code)
		}
		var down error
		a.AddCheck("kafka", func(context.Context) error { return down })
		a.AddCheck("registry", func(context.Context) error { return nil })
		if code, body := get(a, "/readyz"); code != http.StatusOK || body != "kafka: ok\nregistry: ok\n" {
			t.Errorf("all well: %d %q", code, body)
		}
		down = errors.New("connection refused")
		if code, body := get(a, "/readyz"); code != http.StatusServiceUnavailable || body != "kafka: connection refused\nregistry: ok\n" {
			t.Errorf("one down: %d %q", code, body)
		}
		if code, _ := get(a, "/healthz"); code != http.StatusOK {
			t.Errorf("health: %d: trouble elsewhere must not restart the process", code)
		}
		a.AddCheck("panics", func(context.Context) error { panic("ouch") })
		a.AddCheck("stuck", func(context.Context) error { time.Sleep(time.Minute); return nil }) //nolint:forbidigo // fake clock
		begin := time.Now()
		_, body := get(a, "/readyz")
		for _, want := range []string{"stuck: no answer within 2s\n", "panics: check panics panicked: ouch\n", "registry: ok\n"} {
			if !strings.Contains(body, want) {
				t.Errorf("no %q in %q", want, body)
			}
		}
		if took := time.Since(begin); took != checkTimeout {
			t.Errorf("took %s", took)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // fake clock; the stuck one ends
	})
}

func TestStatusIsTheJSONOfItsProviders(t *testing.T) {
	a, n := newTestAdmin(""), 0
	a.AddStatus("streams", func() any { n++; return map[string]int{"asked": n} })
	for want := 1; want <= 2; want++ {
		var got map[string]map[string]int
		code, body := get(a, "/status")
		if err := json.Unmarshal([]byte(body), &got); err != nil || code != http.StatusOK || got["streams"]["asked"] != want {
			t.Errorf("%d %s, error %v", code, body, err)
		}
	}
	a.AddStatus("bad", func() any { return func() {} })
	if code, _ := get(a, "/status"); code != http.StatusInternalServerError {
		t.Errorf("what is no JSON: %d", code)
	}
}

func TestMetrics(t *testing.T) {
	a := newTestAdmin("")
	code, body := get(a, "/metrics")
	if code != http.StatusOK {
		t.Fatal(code)
	}
	for _, want := range []string{`planhat_bridge_build_info{goversion="go1",revision="abc",version="v1"} 1`, "go_goroutines ", "process_start_time_seconds "} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	families, err := newRegistry(Build{}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestOnlyGetIsServed(t *testing.T) {
	w := httptest.NewRecorder()
	newTestAdmin("").ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/status", http.NoBody))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("got %d", w.Code)
	}
}

func TestAdminServesUntilItIsToldToStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := newTestAdmin("127.0.0.1:0")
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	url := "http://" + a.Addr(t.Context()) + "/healthz"
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(body) != "ok\n" {
		t.Errorf("got %q", body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if _, err := (&http.Client{Transport: tr}).Get(url); err == nil {
		t.Error("still served after the end")
	}
}

func TestAddressInUseIsBadSetup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	a := newTestAdmin("127.0.0.1:0")
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	err := newTestAdmin(a.Addr(t.Context())).Run(t.Context())
	if exitCode(err) != CodeBadSetup || !strings.Contains(err.Error(), "ADMIN_ADDR") {
		t.Errorf("got %v", err)
	}
	cancel()
	<-ended
}
