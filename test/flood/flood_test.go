package flood

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // net/http tells of each answer that comes early
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if binary, err := build(); err == nil {
			_ = os.RemoveAll(filepath.Dir(binary))
		}
		os.Exit(code)
	}))
}

const (
	mostMemory = 128 << 20
	times      = 10   // of what is taken at most
	taken      = 1024 // connections, as webhook.Limits has it
	senders    = 64   // who know the password and send what they should
)

// duration of the flood.
func duration(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("FLOOD_FOR")
	if text == "" {
		return 1500 * time.Millisecond
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestTheIntakeUnderFlood(t *testing.T) {
	if runtimeHasNoProc() {
		t.Skip("the memory of a process is read from /proc")
	}
	w := newWorld(t)
	honest := &promises{}
	healthy := w.watchHealth()

	for _, stage := range w.stages() {
		w.play(stage, honest)
	}

	before := honest.count()
	for n := range senders { // afterwards all is as before
		w.eventually("a webhook is taken after the flood", func() bool { return w.deliver(honest, n) })
	}
	answered, slowest := healthy()
	peak := w.peakMemory()
	w.terminate()
	t.Logf("%d webhooks promised under flood, %d after it; health answered %d times, at the slowest within %s; %d MiB at most; %s",
		before, honest.count()-before, answered, slowest, peak>>20, w.tally())
	if answered == 0 {
		t.Error("health was never asked for")
	}
	if peak > mostMemory {
		t.Errorf("%d MiB of memory, want at most %d", peak>>20, mostMemory>>20)
	}
	w.holdTo(honest)
	for _, secret := range []string{user, password, "hush-hush"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log says %q", secret)
		}
	}
}

// play runs all floods of a stage at once, and with them those who send what they
// should.
func (w *world) play(stage []flood, honest *promises) {
	var wg sync.WaitGroup
	over := make(chan struct{})
	for _, f := range stage {
		for range f.senders {
			wg.Go(func() { w.keepOn(over, f.pause, f.send) })
		}
	}
	for n := range senders {
		wg.Go(func() { w.keepOn(over, pause, func() { w.deliver(honest, n) }) })
	}
	<-time.After(duration(w.t)) // the flood takes its time
	close(over)
	wg.Wait()
}

// The intake faces the internet alone: with what it needs and nothing more.
func TestTheIntakeRunsAlone(t *testing.T) {
	w := newWorld(t)
	if out, code := w.check(); code != 0 || !strings.Contains(out, "the configuration is good") {
		t.Errorf("--check: code %d\n%s", code, out)
	}
	var status struct {
		Webhook *webhook.Status `json:"webhook"`
		Source  any             `json:"source"`
	}
	w.admin("/status", &status)
	if status.Webhook == nil || status.Webhook.State != "ok" || status.Source != nil {
		t.Errorf("status %+v", status)
	}
	if code := w.get("/readyz"); code != http.StatusOK {
		t.Errorf("not ready without a schema registry: %d", code)
	}
	honest := &promises{}
	if !w.deliver(honest, 1) {
		t.Fatal("a webhook is not taken")
	}
	w.terminate()
	w.holdTo(honest)
	if strings.Contains(fmt.Sprint(w.topics()), "source-state") {
		t.Errorf("it made topics that it does not use: %v", w.topics())
	}
}
