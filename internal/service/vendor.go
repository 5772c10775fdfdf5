package service

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// lasting is after how many failed calls in a row a vendor's trouble is logged;
// a single one is everyday life and only shown.
const lasting = 3

// Vendor remembers whether a workspace's Planhat answers: calls are repeated
// without end or nearly so, and meanwhile nobody else would say what is wrong.
// The zero value with Log and Workspace is ready for use; it is safe for
// concurrent use.
type Vendor struct {
	Log       *slog.Logger
	Workspace string

	mu       sync.Mutex
	failures int // in a row
	since    time.Time
	cause    string
}

// Heard notes how an attempt of a call ended. An answer that refuses something
// is an answer.
func (v *Vendor) Heard(c planhat.Call) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch c.Kind {
	case planhat.KindThrottled, planhat.KindUnavailable, planhat.KindMalformed:
		v.failed(c)
	default:
		if v.failures >= lasting {
			v.Log.Info("planhat answers again", "workspace", v.Workspace, "silent_for", time.Since(v.since).String())
		}
		v.failures, v.cause = 0, ""
	}
}

func (v *Vendor) failed(c planhat.Call) {
	if v.failures++; v.failures == 1 {
		v.since = time.Now()
	}
	v.cause = fmt.Sprintf("%s %s: %s", c.Method, c.Path, c.Kind)
	if c.Status != 0 {
		v.cause += fmt.Sprintf(" (status %d)", c.Status)
	}
	if c.Err != nil {
		v.cause += ": " + c.Err.Error()
	}
	if v.failures == lasting {
		v.Log.Warn("planhat does not answer as it should: calls are tried again", "workspace", v.Workspace, "error", v.cause)
	}
}

// Trouble is what is wrong with the last call and since when calls fail in a
// row; "" while Planhat answers.
func (v *Vendor) Trouble() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failures == 0 {
		return ""
	}
	return fmt.Sprintf("%s; %d in a row since %s", v.cause, v.failures, v.since.UTC().Format(time.RFC3339))
}

// SharedFor is how long after a foreign write a topic counts as shared.
const SharedFor = 10 * time.Minute

// Orphan words the cause of a workspace whose shard belongs to a process that
// is not configured with it.
func Orphan(owner string) string {
	return "its shard belongs to " + owner + ", which is not configured with this workspace: give all processes of one BRIDGE_NAME " +
		"the same PLANHAT_WORKSPACES, or each deployment a BRIDGE_NAME of its own"
}

// Shared words the cause of a workspace one of whose topics somebody else
// writes to.
func Shared(topic string) string {
	return "somebody else writes to " + topic + ": is another bridge, with another BRIDGE_NAME, configured with this workspace and " +
		"TOPIC_PREFIX? Stop one of them, or give it another TOPIC_PREFIX"
}
