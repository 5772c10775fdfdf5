package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/script"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// fault is one order to the simulator, in its control API's form.
type fault struct {
	Kind       string `json:"kind"`
	Count      int    `json:"count"`
	Method     string `json:"method,omitempty"`
	Path       string `json:"path,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
	Ms         int    `json:"ms,omitempty"` // of the clock of deliveries
}

// troubles is what the vendor does to the bridge, in turn and again from the
// start, while the sandbox runs with a duration.
var troubles = []fault{
	{Kind: "timeout-after", Count: 1, Method: http.MethodPut},
	{Kind: "429", Count: 1, RetryAfter: 1},
	{Kind: "reset", Count: 1},
	{Kind: "truncated", Count: 1, Method: http.MethodGet},
	{Kind: "500", Count: 1},
	{Kind: "timeout-after", Count: 1, Method: http.MethodPost},
	{Kind: "503", Count: 2},
	{Kind: "html", Count: 1, Method: http.MethodGet},
	{Kind: "timeout-before", Count: 1, Method: http.MethodPut},
	{Kind: "truncated", Count: 1, Method: http.MethodPut},
}

// pipedriveTroubles are those of the account: of its calls, and of its deliveries.
var pipedriveTroubles = []fault{
	{Kind: "drop", Count: 2},
	{Kind: "429-burst", Count: 1},
	{Kind: "duplicate", Count: 3},
	{Kind: "reset", Count: 1, Method: http.MethodGet},
	{Kind: "delay", Count: 3, Ms: 60_000},
	{Kind: "500", Count: 1},
	{Kind: "reorder", Count: 3},
	{Kind: "truncated", Count: 1},
	{Kind: "v1-payload", Count: 1},
}

// control speaks a simulator's control API.
type control struct {
	base     string
	client   *http.Client
	troubles []fault
}

// pipedriveSeen are the kinds of the account that have to have happened.
var pipedriveSeen = []string{"drop", "duplicate", "delay", "reorder", "429-burst"}

// seen are the kinds that have to have happened before a run may end.
var seen = []string{"429", "500", "timeout-after", "reset", "truncated"}

// happenings are the faults that have happened, counted by kind, and those that
// wait for a call.
type happenings struct {
	Injected map[string]int `json:"injected"`
	Active   []fault        `json:"active"`
}

func (c control) happenings(ctx context.Context) (happenings, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/_sim/faults", http.NoBody)
	if err != nil {
		return happenings{}, fmt.Errorf("build: %w", err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return happenings{}, fmt.Errorf("simulator: %w", err)
	}
	defer res.Body.Close()
	var answer happenings
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return happenings{}, fmt.Errorf("read the simulator's faults: %w", err)
	}
	return answer, nil
}

// allSeen reports whether every kind that has to happen has.
func (c control) allSeen(ctx context.Context, kinds []string) bool {
	have, err := c.happenings(ctx)
	return err == nil && allIn(have.Injected, kinds)
}

func allIn(injected map[string]int, kinds []string) bool {
	for _, kind := range kinds {
		if injected[kind] == 0 {
			return false
		}
	}
	return true
}

// life lets the simulated tenant's own users work at a rate of changes a
// second; 0 stops them and returns when none is under way.
func (c control) life(ctx context.Context, rate float64) error {
	return c.post(ctx, "/_sim/life", map[string]float64{"rate": rate})
}

func (c control) post(ctx context.Context, path string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("build %s: %w", path, err)
	}
	return c.do(req)
}

// calm ends faults and life, and waits until writes have had their effect.
func (c control) calm(ctx context.Context) error {
	return errors.Join(c.clearFaults(ctx), c.life(ctx, 0), c.post(ctx, "/_sim/settle", nil))
}

func (c control) clearFaults(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.base+"/_sim/faults", http.NoBody)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return c.do(req)
}

func (c control) do(req *http.Request) error {
	res, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("simulator: %s %s answers %s", req.Method, req.URL.Path, res.Status)
	}
	return nil
}

// trouble injects the next fault each tick until ctx ends. One that would meet
// the calls of a method whose last fault still waits is left out: a sink that
// waits between its retries would meet nothing but faults for ever.
func (c control) trouble(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		next := c.troubles[n%len(c.troubles)]
		have, err := c.happenings(ctx)
		if err == nil && !waits(have.Active, next) {
			err = c.post(ctx, "/_sim/faults", next)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// waits says that a fault of the same lane has not met anything yet.
func waits(active []fault, next fault) bool {
	return slices.ContainsFunc(active, func(f fault) bool { return f.lane() == next.lane() })
}

// ofDeliveries are the kinds that meet what the vendor sends.
var ofDeliveries = []string{"drop", "duplicate", "delay", "reorder", "v1-payload"}

// lane is what a fault waits for: calls of a method, or deliveries.
func (f fault) lane() string {
	if slices.Contains(ofDeliveries, f.Kind) {
		return "deliveries"
	}
	return f.Method
}

// readEach is how many records of each object that is only read get commands.
const readEach = 3

// toRead are commands that read records of the objects that are only read.
func (c control) toRead(ctx context.Context) ([]script.Command, error) {
	var out []script.Command
	for _, spec := range planhat.Objects() {
		if !spec.ReadOnly {
			continue
		}
		var rows []struct {
			ID string `json:"_id"`
		}
		if err := c.read(ctx, "/_sim/state/"+spec.Listing, &rows); err != nil {
			return nil, err
		}
		for i, row := range rows[:min(len(rows), readEach)] {
			out = append(out, script.Get(spec, fmt.Sprintf("cmd-%s-%d", spec.Object, i), "", row.ID))
		}
	}
	return out, nil
}

func (c control) read(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("build: %w", err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("simulator: read %s: %w", path, err)
	}
	return nil
}
