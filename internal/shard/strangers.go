package shard

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics that a shard writes are written by it alone. No broker keeps
// another bridge, with another BRIDGE_NAME and so with other transactional ids,
// from writing to the same ones. But it shows: the offsets that the acks name
// follow one another, with the marker of each commit between them, unless
// somebody else has written meanwhile.

// markers is how many offsets a transaction may take besides its records: the
// commit marker, and one that some brokers write when a transaction begins. A
// foreign transaction takes two at the least, so it is seen nevertheless.
const markers = 2

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// span is what one transaction wrote to a partition.
type span struct {
	first, last, count int64
}

// spans sums records up by partition.
func spans(records []*kgo.Record) map[place]span {
	out := map[place]span{}
	for _, r := range records {
		at := place{r.Topic, r.Partition}
		s, ok := out[at]
		if !ok {
			s = span{first: r.Offset, last: r.Offset}
		}
		s.first, s.last, s.count = min(s.first, r.Offset), max(s.last, r.Offset), s.count+1
		out[at] = s
	}
	return out
}

// tails are the last offsets that a lease has written.
type tails map[place]int64

// strangers lists the partitions that somebody else has written to since the
// transaction before, and remembers this one.
func (t tails) strangers(records []*kgo.Record) []place {
	var out []place
	for at, s := range spans(records) {
		if s.first < 0 { // a broker that answered a repeated request without offsets
			delete(t, at)
			continue
		}
		before, known := t[at]
		if s.last-s.first >= s.count || known && s.first-before-1 > markers {
			out = append(out, at)
		}
		t[at] = s.last
	}
	return out
}

// lookForStrangers is told what a transaction has written.
func (l *Lease) lookForStrangers(records []*kgo.Record) {
	for _, at := range l.tails.strangers(records) {
		if !l.opts.Names.Many(at.topic) {
			l.books.noteStranger(at.topic, at.partition)
		}
	}
}

// Shared says when somebody else was last seen to write to a topic that shards
// of this process write; zero: never.
func (m *Manager) Shared(topic string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shared[topic]
}

// noteStranger remembers a foreign write, logs it now and then and tells the
// observer.
func (m *Manager) noteStranger(topic string, partition int32) {
	now := time.Now()
	m.mu.Lock()
	before := m.shared[topic]
	m.shared[topic] = now
	m.mu.Unlock()
	m.opts.Observer.Stranger(topic)
	if now.Sub(before) > time.Minute {
		m.opts.Log.Error("somebody else writes to a topic of this bridge: is another bridge, with another BRIDGE_NAME, configured with the same "+
			"workspace and TOPIC_PREFIX? Stop one of them, or give it another TOPIC_PREFIX", "topic", topic, "partition", partition)
	}
}
