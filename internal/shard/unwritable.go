package shard

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A failed transaction ends the lease, and with it the work of every token of
// the shard. A topic that the broker takes nothing for would do so again and
// again: it is remembered for a while over the tenures, so that only the token
// that writes to it is held.

// writeError is a broker's refusal of records for a topic.
type writeError struct {
	topic string
	err   error
}

func (e *writeError) Error() string { return fmt.Sprintf("produce to %s: %v", e.topic, e.err) }
func (e *writeError) Unwrap() error { return e.err }

// lastingRefusals are the answers that trying again does not change.
var lastingRefusals = []error{
	kerr.TopicAuthorizationFailed, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InvalidTopicException,
	kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.PolicyViolation,
}

// refusal is when and why a topic was last refused.
type refusal struct {
	at  time.Time
	err error
}

// noteUnwritable remembers the topic that made a transaction fail, if one did.
func (m *Manager) noteUnwritable(err error) {
	failed, ok := errors.AsType[*writeError](err)
	if !ok {
		return
	}
	for _, lasting := range lastingRefusals {
		if errors.Is(failed.err, lasting) {
			m.mu.Lock()
			m.unwritable[failed.topic] = refusal{time.Now(), failed}
			m.mu.Unlock()
			return
		}
	}
}

// writable is a Refusal for a minute after the broker took nothing for a topic.
func (m *Manager) writable(topic string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, noted := m.unwritable[topic]; noted && time.Since(r.at) < refusalPause {
		return &Refusal{Err: fmt.Errorf("%w; does the topic exist, and may this user write to it?", r.err)}
	}
	return nil
}

// Writable is a [Refusal] while it makes no sense to write to a topic: within
// the last minute the broker has refused what a shard of this process wrote.
func (l *Lease) Writable(topic string) error { return l.books.writable(topic) }
