package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// clockRights are those of a lease by a clock that the test sets, in minutes. The process
// is stopped for one whenever it has just been told that it may write; after that its
// lease is told to end.
type clockRights struct {
	now, until atomic.Int64
	end        context.CancelFunc
}

func (c *clockRights) Fresh() error {
	if err := c.Held(); err != nil {
		c.end()
		return err
	}
	c.now.Add(1)
	return nil
}

func (c *clockRights) Held() error {
	if c.now.Load() > c.until.Load() {
		return fmt.Errorf("%w: minute %d", shard.ErrStale, c.now.Load())
	}
	return nil
}

// stoppable is a workspace whose lease ends by such a clock.
func stoppable(t *testing.T, s *Service, ws config.Workspace) (*workspace, func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	w := s.newWorkspace(ws)
	w.ctx, w.rights = ctx, &clockRights{end: end}
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	w.access.token = ws.Token.Current()
	return w, end
}

// TestStoppedProcessSendsNothing stops the process after a write has passed the gate.
// When it goes on, another may own the shard: of the write nothing is sent.
func TestStoppedProcessSendsNothing(t *testing.T) {
	var writes atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			writes.Add(1)
		}
		_, _ = w.Write([]byte(`[]`))
	}))
	defer server.Close()
	ws := config.Workspace{Name: "acme", Token: config.NewSecret("t"), BaseURL: server.URL, CallsPerMinute: 1_000_000}
	s := New(config.Config{Bridge: "b", Planhat: []config.Workspace{ws}, Shard: config.Shard{SessionTimeout: 45 * time.Second, CallDeadline: 5 * time.Second}},
		Deps{Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Times: Times{Retry: time.Millisecond}})
	const id = "0123456789abcdef01234567"
	for name, write := range map[string]func(*planhat.Client) error{
		"create": func(c *planhat.Client) error {
			_, err := c.Create(t.Context(), planhat.Company, []byte(`{"name":"A"}`))
			return err
		},
		"update": func(c *planhat.Client) error {
			_, err := c.Update(t.Context(), planhat.Company, planhat.ByID(id), []byte(`{}`))
			return err
		},
		"delete": func(c *planhat.Client) error {
			_, err := c.Delete(t.Context(), planhat.Company, id)
			return err
		},
	} {
		w, end := stoppable(t, s, ws)
		if _, err := w.client.Page(t.Context(), planhat.Company, planhat.ListOptions{}); err != nil {
			t.Fatalf("a read while the lease is held: %v", err)
		}
		if err := write(w.client); !errors.Is(err, errStopped) || planhat.KindOf(err) == planhat.KindAmbiguous {
			t.Errorf("%s: got %v", name, err)
		}
		w.client.CloseIdleConnections()
		end()
	}
	if n := writes.Load(); n > 0 {
		t.Errorf("%d writes were sent", n)
	}
}

// staleRights are those of a lease whose membership is not fresh until it is told.
type staleRights struct {
	fresh atomic.Bool
	once  sync.Once
	asked chan struct{} // closed when a write has asked for the first time
}

func (s *staleRights) Fresh() error {
	s.once.Do(func() { close(s.asked) })
	if !s.fresh.Load() {
		return shard.ErrStale
	}
	return nil
}

func (*staleRights) Held() error { return nil }

// TestStaleMembershipStartsNoWrite has a write wait for a heartbeat that is late: it is
// sent when the group has answered, and not before.
func TestStaleMembershipStartsNoWrite(t *testing.T) {
	rights := staleRights{asked: make(chan struct{})}
	early := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !rights.fresh.Load() {
			early <- struct{}{}
		}
		_, _ = w.Write([]byte(`{"_id":"0123456789abcdef01234567"}`))
	}))
	defer server.Close()
	ws := config.Workspace{Name: "acme", Token: config.NewSecret("t"), BaseURL: server.URL, CallsPerMinute: 1_000_000}
	s := New(config.Config{Bridge: "b", Planhat: []config.Workspace{ws}, Shard: config.Shard{SessionTimeout: 45 * time.Second, CallDeadline: 5 * time.Second}},
		Deps{Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Times: Times{Retry: time.Millisecond}})
	w, end := stoppable(t, s, ws)
	defer end()
	w.rights = &rights
	if err := w.connect(); err != nil {
		t.Fatal(err)
	}
	w.access.token = ws.Token.Current()
	defer w.client.CloseIdleConnections()
	done := make(chan error, 1)
	go func() {
		_, err := w.client.Create(t.Context(), planhat.Company, []byte(`{"name":"A"}`))
		done <- err
	}()
	select {
	case <-rights.asked:
	case <-early:
		t.Fatal("the write was sent while the membership was stale")
	}
	rights.fresh.Store(true)
	if err := <-done; err != nil || len(early) > 0 {
		t.Errorf("the write when the membership is fresh: %v, sent before: %t", err, len(early) > 0)
	}
}
