package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	checkTimeout    = 2 * time.Second
	shutdownTimeout = 5 * time.Second
)

// Admin serves /healthz (the process runs), /readyz (all checks pass), /metrics
// (Prometheus) and /status (JSON, for people). Checks and status may be added
// while it serves.
type Admin struct {
	addr string
	log  *slog.Logger
	mux  *http.ServeMux

	mu        sync.Mutex
	checks    map[string]func(context.Context) error
	status    map[string]func() any
	listening chan struct{}
	bound     string
}

// NewAdmin will listen on addr (host:port, port 0: any) and serve what is
// gathered from g.
func NewAdmin(addr string, g prometheus.Gatherer, log *slog.Logger) *Admin {
	a := &Admin{
		addr: addr, log: log, mux: http.NewServeMux(), listening: make(chan struct{}),
		checks: map[string]func(context.Context) error{}, status: map[string]func() any{},
	}
	a.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	a.mux.HandleFunc("GET /readyz", a.serveReady)
	a.mux.HandleFunc("GET /status", a.serveStatus)
	a.mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	return a
}

// AddCheck makes readiness depend on check. It gets two seconds.
func (a *Admin) AddCheck(name string, check func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.checks[name] = check
}

// AddStatus shows what provide gives, as JSON, under name. It is asked for
// every request and must not hold secrets.
func (a *Admin) AddStatus(name string, provide func() any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status[name] = provide
}

// ServeHTTP answers as the running server does.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// Addr waits until the server listens and is its address, or "" if ctx ends
// before.
func (a *Admin) Addr(ctx context.Context) string {
	select {
	case <-a.listening:
		return a.bound
	case <-ctx.Done():
		return ""
	}
}

// Run serves until ctx ends, then lets open requests finish. It is run once.
func (a *Admin) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.addr)
	if err != nil {
		return BadSetup(fmt.Errorf("listen on ADMIN_ADDR %s: %w", a.addr, err))
	}
	a.bound = listener.Addr().String()
	close(a.listening)
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := server.Shutdown(limited)
		_ = server.Close() // what did not finish is cut
		stopped <- err
	}()
	// Serve ends by itself only if the listener breaks, with an error that ends
	// the process; the goroutine above then ends with the drain.
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on ADMIN_ADDR %s: %w", a.addr, err)
	}
	if err := <-stopped; err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop serving on ADMIN_ADDR %s: %w", a.addr, err)
	}
	return nil
}

func (a *Admin) serveReady(w http.ResponseWriter, r *http.Request) {
	results := a.runChecks(r.Context())
	var b strings.Builder
	status := http.StatusOK
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if err := results[name]; err != nil {
			status = http.StatusServiceUnavailable
			fmt.Fprintf(&b, "%s: %v\n", name, err)
			continue
		}
		fmt.Fprintf(&b, "%s: ok\n", name)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String()))
}

// runChecks runs all checks at the same time. One that does not come back in
// time has failed.
func (a *Admin) runChecks(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, fmt.Errorf("no answer within %s", checkTimeout))
	defer cancel()
	a.mu.Lock()
	checks := maps.Clone(a.checks)
	a.mu.Unlock()
	type result struct {
		name string
		err  error
	}
	answers := make(chan result, len(checks))
	for name, check := range checks {
		go func() { answers <- result{name, guard("check "+name, func() error { return check(ctx) })} }()
	}
	out := make(map[string]error, len(checks))
	for name := range checks {
		out[name] = errNoAnswerYet
	}
	for range checks {
		select {
		case r := <-answers:
			out[r.name] = r.err
		case <-ctx.Done():
			return overdue(out, context.Cause(ctx))
		}
	}
	return out
}

var errNoAnswerYet = errors.New("no answer yet")

func overdue(results map[string]error, cause error) map[string]error {
	for name, err := range results {
		if errors.Is(err, errNoAnswerYet) {
			results[name] = cause
		}
	}
	return results
}

func (a *Admin) serveStatus(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	providers := maps.Clone(a.status)
	a.mu.Unlock()
	out := make(map[string]any, len(providers))
	for name, provide := range providers {
		out[name] = provide()
	}
	body, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		a.log.ErrorContext(r.Context(), "status cannot be shown", "error", err)
		http.Error(w, "status cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n'))
}
