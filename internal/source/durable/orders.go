package durable

import (
	"fmt"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Pause is an operator's word that no calls be made.
type Pause struct {
	Signal string    `json:"signal"` // id
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

// PausedBy is the pause that a signal orders.
func PausedBy(sig schemas.Signal, now time.Time) *Pause {
	return &Pause{Signal: sig.ID, Since: now.UTC(), Reason: sig.Reason}
}

func (p *Pause) String() string {
	text := fmt.Sprintf("paused since %s by signal %s", p.Since.Format(time.RFC3339), p.Signal)
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// Precedes tells whether an event stands before the ends that its topic had, by
// partition, when something was ordered: what stands behind them has been written since.
func Precedes(e cdc.Entry, ends []int64) bool {
	return int(e.Partition) < len(ends) && e.Offset < ends[e.Partition]
}
