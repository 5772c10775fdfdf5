package account

import (
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
)

// stream is one object of the account: the unit of capture.
type stream struct {
	*object
	topic string
	codec emit.Codec

	index    *cdc.Index
	graves   map[cdc.ID]grave
	cursor   cursor
	recorded []byte // the cursor as the log has it
	refused  error  // the state cannot be used: the stream is held until a restart

	recent  *recent // reconciliation under way
	young   map[cdc.ID]suspect
	gone    map[cdc.ID]int64 // deletion candidates that do not exist, with the stamp of their delete
	skipped map[cdc.ID]bool  // records that cannot be written and were told of
	again   cdc.ID           // a record that is to be written even if it has not changed
	sample  []string         // of the records whose deletes are held

	// When what is due.
	reconcileAt, sweepAt, confirmAt, retryAt time.Time

	state, cause string
	told         string // of the states that operators are notified of, the one that has not ended
	failures     int
	lastScan     time.Time
}

// suspect is a change that reconciliation found so soon that its webhook may
// still be on its way.
type suspect struct {
	stamp int64
	until time.Time
}

// The operations of an event.
const (
	opRead   = "r"
	opCreate = "c"
	opUpdate = "u"
	opDelete = "d"
)

// The states of a stream.
const (
	stateStarting  = "starting"
	stateOK        = "ok"
	stateRetrying  = "retrying"
	stateForbidden = "forbidden"
	stateHeld      = "held"
	statePaused    = "paused"
)

// works says that a stream is captured now.
func (s *stream) works() bool { return s.state != stateHeld && s.cursor.Paused == nil }

// snapshotDone says that every record was read once.
func (s *stream) snapshotDone() bool { return s.cursor.Capture.SnapshotDone }
