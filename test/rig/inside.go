package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
)

// Inside is a service under way in the test's own process.
type Inside struct {
	T    *testing.T // the test that it fails
	Role string
	Log  *logbook.Book
	Stop func() // drains it; it must not have ended by itself

	url string // of its admin server
}

// RunInside runs a service, as its main would in that environment, until it is
// stopped or the test ends. Its goroutines have the label "story", the test's name.
func RunInside(t *testing.T, role string, environ []string, build service.Build) *Inside {
	t.Helper()
	cfg, err := config.Load(environ, service.Objects())
	if err != nil {
		t.Fatal(err)
	}
	s := &Inside{T: t, Role: role, Log: &logbook.Book{}}
	process := ops.NewProcess(role, cfg, s.Log)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go pprof.Do(ctx, pprof.Labels("story", t.Name()), func(ctx context.Context) { ended <- service.Run(ctx, process, role, build) })
	s.Stop = sync.OnceFunc(func() {
		early := len(ended) > 0
		cancel()
		if err := <-ended; early || err != nil {
			t.Errorf("%s ended by itself: %t, with %v", role, early, err)
		}
	})
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("%s %s said:\n%s", t.Name(), cfg.InstanceID, s.Log)
		}
	})
	s.url = "http://" + process.Admin.Addr(t.Context())
	return s
}

// Page reads a page of the admin server; code 0 means that there is none.
func (s *Inside) Page(path string) (code int, text string) {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), http.MethodGet, s.url+path, http.NoBody)
	if err != nil {
		s.T.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.T.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Status reads the service's own part of /status.
func (s *Inside) Status(into any) {
	s.T.Helper()
	code, text := s.Page("/status")
	var all map[string]json.RawMessage
	err := json.Unmarshal([]byte(text), &all)
	if err == nil {
		err = json.Unmarshal(all[s.Role], into)
	}
	if err != nil {
		s.T.Fatalf("status %d: %v: %s", code, err, text)
	}
}

// Metric adds up the series of a metric whose line contains all of the labels.
func (s *Inside) Metric(name string, labels ...string) (sum float64) {
	s.T.Helper()
	_, text := s.Page("/metrics")
	for line := range strings.Lines(text) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || series != name && !strings.HasPrefix(series, name+"{") {
			continue
		}
		fits := true
		for _, l := range labels {
			fits = fits && strings.Contains(series, l)
		}
		var v float64
		if _, err := fmt.Sscan(value, &v); err == nil && fits {
			sum += v
		}
	}
	return sum
}

// Goroutines lists those of a test whose label "story" is its name.
func Goroutines(story string) string {
	var text bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&text, 1); err != nil {
		return err.Error()
	}
	var out strings.Builder
	for group := range strings.SplitSeq(text.String(), "\n\n") {
		if strings.Contains(group, fmt.Sprintf(`"story":%q`, story)) {
			out.WriteString(group + "\n")
		}
	}
	return out.String()
}
