package source

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
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

// pause is an operator's word that no calls be made.
type pause struct {
	Signal string    `json:"signal"` // id
	Since  time.Time `json:"since"`
	Reason string    `json:"reason,omitempty"`
}

func (p *pause) String() string {
	text := fmt.Sprintf("paused since %s by signal %s", p.Since.Format(time.RFC3339), p.Signal)
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

// workspaceOrders are durable: how far the signals are obeyed, and whether the
// workspace is paused.
type workspaceOrders struct {
	Version  int      `json:"version"`
	Position position `json:"position"` // of the first signal that is not settled
	Paused   *pause   `json:"paused,omitempty"`
}

func (o workspaceOrders) encode() []byte {
	o.Version = ordersVersion
	text, _ := json.Marshal(o) //nolint:errchkjson // strings, numbers and times
	return text
}

func parseWorkspaceOrders(value []byte) (workspaceOrders, error) {
	var o workspaceOrders
	if err := json.Unmarshal(value, &o); err != nil {
		return o, fmt.Errorf("read orders: %w", err)
	}
	return o, knownOrders(o.Version)
}

func knownOrders(version int) error {
	if version != ordersVersion {
		return fmt.Errorf("read orders: version %d is not known (this release reads version %d)", version, ordersVersion)
	}
	return nil
}

// position is a place in the signals topic, by partition.
type position struct {
	TopicID string  `json:"topicId"`
	Next    []int64 `json:"next"`
}

func (p position) known() bool { return p.TopicID != "" }

// next is the first offset of a partition that is not settled.
func (p position) next(partition int32) int64 {
	if int(partition) < len(p.Next) {
		return p.Next[partition]
	}
	return 0
}

// after is the position behind a record.
func (p position) after(partition int32, offset int64) position {
	p.Next = slices.Clone(p.Next)
	for int(partition) >= len(p.Next) {
		p.Next = append(p.Next, 0)
	}
	p.Next[partition] = max(p.Next[partition], offset+1)
	return p
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
	ends, ordered := r.Ends[object]
	return ordered && int(e.Partition) < len(ends) && e.Offset < ends[e.Partition]
}

// streamOrders are durable: what operators have said of one stream.
type streamOrders struct {
	Version int     `json:"version"`
	Paused  *pause  `json:"paused,omitempty"`
	Reread  *reread `json:"reread,omitempty"`
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
		if err := json.Unmarshal(value, &o); err != nil {
			return fmt.Errorf("read orders: %w", err)
		}
		if err := knownOrders(o.Version); err != nil {
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
	o, err := parseWorkspaceOrders(value)
	if err != nil {
		return &shard.Refusal{Err: fmt.Errorf("state of %s: %w", name, err)}
	}
	w.heard[name] = o
	return nil
}
