package account

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
)

// errMoved says that a listing moved under its reader, who has to begin anew.
var errMoved = errors.New("the listing moved")

// cursorVersion is stored with each cursor. A reader refuses a later one.
const cursorVersion = 1

// cursor is how far the capture of an object has got, besides its index.
type cursor struct {
	Version int `json:"version"`
	// Capture has the watermark of reconciliation, and what is gone and waits.
	Capture cdc.Cursor     `json:"capture"`
	Sweep   *sweepPlace    `json:"sweep,omitempty"` // under way
	Swept   int64          `json:"swept,omitempty"` // when the last complete sweep began, ms since 1970-01-01 UTC; 0 = one is due
	Debts   []debt         `json:"debts,omitempty"`
	Pin     *emit.Topic    `json:"pin,omitempty"`
	Paused  *durable.Pause `json:"paused,omitempty"`
	Reread  *reread        `json:"reread,omitempty"`
	// Unlisted is how many records the last sweep did not find besides the candidates,
	// for which there was no room.
	Unlisted int `json:"unlisted,omitempty"`
}

// reread is the order to write every record again.
type reread struct {
	Signal string `json:"signal"` // id
	// Ends are the ends of the change topic when the order was taken: what stands
	// behind them has been written since.
	Ends []int64 `json:"ends"`
}

// owes tells whether a record's last event is from before the order.
func (r *reread) owes(e cdc.Entry) bool {
	return r != nil && durable.Precedes(e, r.Ends)
}

// debt is a record that REST did not yet show as an event said it is. It is in
// the state, so that the webhook's position may move on.
type debt struct {
	ID      int64    `json:"id"`
	Stamp   int64    `json:"stamp,omitempty"`   // the event's: an older row is not the news
	Deleted bool     `json:"deleted,omitempty"` // the event said so
	Created bool     `json:"created,omitempty"`
	Hints   []string `json:"hints,omitempty"`
	Tries   int      `json:"tries"`
	At      int64    `json:"at"` // when to ask again, ms since 1970-01-01 UTC
}

func (c *cursor) encode() []byte {
	c.Version = cursorVersion
	text, _ := json.Marshal(c) //nolint:errchkjson // strings, numbers and times
	return text
}

func timeOf(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
