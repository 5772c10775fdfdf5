package startup

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ctl"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
)

// running is a service that is expected to stay.
type running struct {
	t     *testing.T
	url   string // of its admin server
	log   *logbook.Book
	ended chan error
}

// start runs a service until the test ends; ending by itself fails the test.
func start(t *testing.T, s *stage.Stage, name string, set map[string]string) *running {
	t.Helper()
	cfg, err := config.Load(environ(s, name, set), service.Objects())
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, log: &logbook.Book{}, ended: make(chan error, 1)}
	process := ops.NewProcess(name, cfg, r.log)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { r.ended <- service.Run(ctx, process, name, builds[name]) }()
	t.Cleanup(func() {
		early := len(r.ended) > 0
		cancel()
		if err := <-r.ended; early || err != nil {
			t.Errorf("%s ended by itself: %t, with %v:\n%s", name, early, err, r.log)
		}
	})
	r.url = "http://" + process.Admin.Addr(t.Context())
	return r
}

// until waits for words on a page of the admin server.
func (r *running) until(path string, words ...string) {
	r.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		_, text := body(r.t, r.url+path)
		missing := ""
		for _, w := range words {
			if !strings.Contains(text, w) {
				missing = w
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-tick.C:
		case err := <-r.ended:
			r.ended <- err
			r.t.Fatalf("ended with %v while %s had no %q", err, path, missing)
		case <-deadline:
			r.t.Fatalf("no %q on %s:\n%s\nlog:\n%s", missing, path, text, r.log)
		}
	}
}

// once fails unless the log has exactly one line with the words.
func (r *running) once(words string) {
	r.t.Helper()
	if n := strings.Count(r.log.String(), words); n != 1 {
		r.t.Errorf("%d lines with %q:\n%s", n, words, r.log)
	}
}

func (r *running) ready() {
	r.t.Helper()
	if code, text := body(r.t, r.url+"/readyz"); code != http.StatusOK {
		r.t.Errorf("a vendor's trouble took readiness away: %d %s", code, text)
	}
}

func tokenFile(t *testing.T) (path string, write func(token string)) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "token")
	write = func(token string) {
		next := path + ".next"
		if err := os.WriteFile(next, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(next, path); err != nil {
			t.Fatal(err)
		}
	}
	return path, write
}

// withTokenFile takes the stage's token out and names a file instead.
func withTokenFile(path string) map[string]string {
	return map[string]string{"PLANHAT_TOKEN": "", "PLANHAT_TOKEN_FILE": path, "LOG_LEVEL": "info"}
}

func TestSourceStaysWithARefusedToken(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path, write := tokenFile(t)
	write("refused")
	r := start(t, s, "source", withTokenFile(path))
	r.until("/status", `"state": "unauthorized"`, "401")
	r.until("/metrics", `planhat_bridge_source_workspace_paused{workspace="demo"} 1`)
	r.ready()
	write(stage.Token)
	r.until("/metrics", `planhat_bridge_source_workspace_paused{workspace="demo"} 0`, `planhat_bridge_source_records{stream="companies",workspace="demo"} 3`)
	r.once("planhat refuses the token")
	r.once("planhat accepts the token")
}

func TestSinkStaysWithARefusedToken(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path, write := tokenFile(t)
	write("refused")
	r := start(t, s, "sink", withTokenFile(path))
	r.until("/status", `"state": "unauthorized"`, "401") // before any command has come
	r.until("/metrics", `planhat_bridge_sink_workspace_paused{workspace="demo"} 1`)
	var out, errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- ctl.Run(t.Context(), []string{"send", "--object", "company", "--op", "upsert", "--external-id", "c-1", "--set", "name=Acme"}, ctl.Surroundings{
			Environ: environ(s, "ctl", nil), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		})
	}()
	r.ready()
	write(stage.Token)
	if got := <-code; got != 0 || !strings.HasPrefix(out.String(), "OK CREATED company ") {
		t.Errorf("the command that waited: code %d: %s%s", got, out.String(), errs.String())
	}
	r.until("/metrics", `planhat_bridge_sink_workspace_paused{workspace="demo"} 0`)
	r.once("no call is made with its token")
	r.once("the vendor accepts the token")
	if strings.Contains(r.log.String(), "dead") {
		t.Errorf("the command became a dead letter:\n%s", r.log)
	}
}
