package source

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
)

// keyOrders is the kind byte of what operators have said: of a stream, of a
// workspace (under "planhat/<workspace>"), and of a shard (under "planhat").
const keyOrders = 'o'

// ordersVersion is stored with orders. A reader refuses a later one.
const ordersVersion = 1

func ordersKey(name string) []byte { return append([]byte(name), 0, keyOrders) }

// workspaceName and shardName are what the orders of a workspace and the
// position of a shard are kept under.
func workspaceName(workspace string) string { return tokenPrefix + workspace }

const shardName = "planhat"

// workspaceOrders are durable: how far the signals are obeyed, and whether the
// workspace is paused.
type workspaceOrders struct {
	Version  int              `json:"version"`
	Position durable.Position `json:"position"` // of the first signal that is not settled
	Paused   *durable.Pause   `json:"paused,omitempty"`
}

func (o workspaceOrders) encode() []byte {
	o.Version = ordersVersion
	text, _ := json.Marshal(o) //nolint:errchkjson // strings, numbers and times
	return text
}

// reread is the order to write every record of some objects again.
type reread struct {
	Signal  string    `json:"signal"` // id
	Since   time.Time `json:"since"`
	Objects []string  `json:"objects"`
	// Ends are, by object and partition, the ends of the change topics when the
	// order was taken: what stands behind them has been written since.
	Ends map[string][]int64 `json:"ends"`
}

// owes tells whether a record's last event is from before the order.
func (r *reread) owes(object string, e cdc.Entry) bool {
	return durable.Precedes(e, r.Ends[object])
}

// streamOrders are durable: what operators have said of one stream.
type streamOrders struct {
	Version int            `json:"version"`
	Paused  *durable.Pause `json:"paused,omitempty"`
	Reread  *reread        `json:"reread,omitempty"`
}

// encodeOrders is nil where nothing is ordered.
func (s *stream) encodeOrders() []byte {
	o := streamOrders{Version: ordersVersion, Paused: s.paused, Reread: s.reread}
	if o == (streamOrders{Version: ordersVersion}) {
		return nil
	}
	text, _ := json.Marshal(o) //nolint:errchkjson // strings, numbers and times
	return text
}

// restoreOrders sets the orders to what the log has.
func (s *stream) restoreOrders(value []byte) error {
	var o streamOrders
	if value != nil {
		if err := durable.Read("orders", ordersVersion, value, &o); err != nil {
			return err
		}
	}
	s.paused, s.reread = o.Paused, o.Reread
	s.ordered = slices.Clone(value)
	return nil
}

// restoreHeard keeps the orders of a workspace, or the position of a shard.
// Those of workspaces that are not configured are kept, too: they say which of
// its signals were obeyed before.
func (w *worker) restoreHeard(name string, value []byte) error {
	var o workspaceOrders
	if err := durable.Read("orders", ordersVersion, value, &o); err != nil {
		return &shard.Refusal{Err: fmt.Errorf("state of %s: %w", name, err)}
	}
	w.heard[name] = o
	return nil
}
