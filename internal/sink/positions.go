package sink

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// stateVersion is in every state record; a higher one was written by a newer
// bridge and is refused.
const stateVersion = 1

// positions say how far the commands of a workspace have been answered.
type positions struct {
	Version    int    `json:"version"`
	Topic      string `json:"topic"`
	TopicID    string `json:"topicId"`
	Partitions int32  `json:"partitions"`
	// Next is, by partition, the offset of the first command that is not
	// answered; a partition without one is read from its beginning.
	Next map[int32]int64 `json:"next"`
	// Ahead are offsets above Next, in order, that are answered already: a stop in
	// the middle of a batch leaves them.
	Ahead map[int32][]int64 `json:"ahead,omitempty"`

	// barriers are, by partition, the first command that was put aside: positions do
	// not move over it, whatever comes before it in a batch.
	barriers map[int32]int64
}

func (p *positions) restore(value []byte) error {
	*p = positions{}
	if value == nil {
		return nil
	}
	if err := json.Unmarshal(value, p); err != nil {
		return fmt.Errorf("read positions: %w", err)
	}
	for _, offsets := range p.Ahead {
		slices.Sort(offsets)
	}
	if p.Version > stateVersion {
		return fmt.Errorf("positions are of version %d, this bridge knows %d: use a newer one", p.Version, stateVersion)
	}
	return nil
}

func (p positions) clone() positions {
	p.Next = maps.Clone(p.Next)
	ahead := make(map[int32][]int64, len(p.Ahead))
	for partition, offsets := range p.Ahead {
		ahead[partition] = slices.Clone(offsets)
	}
	p.Ahead = ahead
	return p
}

// from is the positions with the partitions that have none yet at their
// beginnings, which is where they are read from: the group for tools shows the
// lag, and that this bridge reads the topic, before the first command.
func (p positions) from(starts map[int32]int64) positions {
	p = p.clone()
	for partition, start := range starts {
		if _, ok := p.Next[partition]; !ok {
			p.Next[partition] = start
		}
	}
	return p
}

func (p positions) json() []byte {
	p.Version = stateVersion
	value, _ := json.Marshal(p) //nolint:errchkjson // maps of numbers
	return value
}

// pin holds the positions to the topic that they were made for, and makes them
// for it the first time. A topic may gain partitions; what it had before keeps
// its position.
func (p *positions) pin(topic string, info kafka.TopicInfo) error {
	if p.Next == nil {
		p.Next = map[int32]int64{}
	}
	if p.Topic == "" {
		p.Topic, p.TopicID, p.Partitions = topic, info.ID.String(), info.Partitions
		return nil
	}
	switch {
	case p.Topic != topic:
		return fmt.Errorf("the positions are for topic %s, the configuration says %s; set TOPIC_PREFIX back, or give the bridge a new BRIDGE_NAME to start afresh", p.Topic, topic)
	case p.TopicID != info.ID.String():
		return fmt.Errorf("topic %s was deleted and created again (id %s, the positions are for %s): they mean nothing in the new topic; "+
			"give the bridge a new BRIDGE_NAME to start it from the beginning", topic, info.ID, p.TopicID)
	case info.Partitions < p.Partitions:
		return fmt.Errorf("topic %s has %d partitions, it had %d", topic, info.Partitions, p.Partitions)
	}
	p.Partitions = info.Partitions
	return nil
}

// done tells whether a command was answered before.
func (p positions) done(partition int32, offset int64) bool {
	return offset < p.Next[partition] || slices.Contains(p.Ahead[partition], offset)
}

// after moves the positions over a batch, in the order in which it was read.
// Commands that are not answered hold their partition's position back; those
// answered behind them are kept in Ahead.
func (p *positions) after(batch []*command) {
	held := map[int32]bool{}
	for len(batch) > 0 {
		partition, n := batch[0].record.Partition, 0
		for n < len(batch) && batch[n].record.Partition == partition {
			n++
		}
		held[partition] = p.over(partition, batch[:n], held[partition])
		batch = batch[n:]
	}
	p.prune()
}

// over is after for commands of one partition; held tells whether its position is held
// back, before and afterwards.
func (p *positions) over(partition int32, commands []*command, held bool) bool {
	next, known := p.Next[partition]
	for _, c := range commands {
		switch {
		case c.result == nil:
			held = true
		case held || p.overtakes(partition, c.record.Offset):
			p.note(partition, c.record.Offset)
		default:
			next, known = c.record.Offset+1, true
		}
	}
	if known {
		p.Next[partition] = next
	}
	return held
}

// overtakes tells whether a command comes behind one that was put aside.
func (p *positions) overtakes(partition int32, offset int64) bool {
	barrier, ok := p.barriers[partition]
	return ok && offset > barrier
}

// ahead notes commands that are answered while others before them are not.
func (p *positions) ahead(commands []*command) {
	for _, c := range commands {
		p.note(c.record.Partition, c.record.Offset)
	}
	p.prune()
}

// note keeps an offset in Ahead, which is in order.
func (p *positions) note(partition int32, offset int64) {
	if at, found := slices.BinarySearch(p.Ahead[partition], offset); !found {
		p.Ahead[partition] = slices.Insert(p.Ahead[partition], at, offset)
	}
}

// prune takes out of Ahead what Next has passed.
func (p *positions) prune() {
	for partition, offsets := range p.Ahead {
		passed, _ := slices.BinarySearch(offsets, p.Next[partition])
		for passed < len(offsets) && offsets[passed] == p.Next[partition] {
			p.Next[partition]++
			passed++
		}
		if offsets = offsets[passed:]; len(offsets) == 0 {
			delete(p.Ahead, partition)
			continue
		}
		p.Ahead[partition] = offsets
	}
}
