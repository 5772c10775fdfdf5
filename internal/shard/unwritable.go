package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// A failed transaction ends the lease, and with it the work of every token of
// the shard. A topic that the broker takes nothing for would do so again and
// again: it is remembered over the tenures, so that only the token that writes
// to it is held, until there is reason to believe that it may be written again.

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

// refusal is how often, when last and why a topic was refused.
type refusal struct {
	times  int
	at     time.Time
	err    error
	limit  int32     // of its batches, as it was known then
	asked  time.Time // when the cluster was last asked for the right to write
	known  bool      // it could be asked
	may    bool      // and said that the user may
	denied bool      // it has said since the refusal that the user may not
}

// rightsEvery is how often the cluster is asked for the right to write.
const rightsEvery = time.Second

// refusalPauseMost bounds how long a topic is left alone that was refused for a
// reason that cannot be asked for.
const refusalPauseMost = time.Hour

// pause doubles with every refusal.
func (r refusal) pause() time.Duration {
	return min(refusalPause<<min(r.times-1, 10), refusalPauseMost)
}

// noteUnwritable remembers the topic that made a transaction fail, if one did.
// A batch that was too large is put down to a limit that was not known; only
// the next one says that knowing it does not help.
func (m *Manager) noteUnwritable(err error, limits *limits) {
	failed, ok := errors.AsType[*writeError](err)
	if !ok {
		return
	}
	is := func(e error) bool { return errors.Is(failed.err, e) }
	if !slices.ContainsFunc(lastingRefusals, is) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, limit := m.unwritable[failed.topic], limits.of(failed.topic)
	if (is(kerr.MessageTooLarge) || is(kerr.RecordListTooLarge)) && r.limit != limit {
		m.unwritable[failed.topic] = refusal{limit: limit}
		return
	}
	m.unwritable[failed.topic] = refusal{times: r.times + 1, at: time.Now(), err: failed, limit: limit}
}

// noteWritten forgets what was refused before.
func (m *Manager) noteWritten(records []*kgo.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.unwritable) == 0 {
		return
	}
	for _, r := range records {
		delete(m.unwritable, r.Topic)
	}
}

// Writable is a [Refusal] while it makes no sense to write to a topic: the
// broker has refused what a shard of this process wrote, and either it says that
// the user may still not write, or nobody can be asked and not much time has
// passed, more after each refusal.
func (l *Lease) Writable(ctx context.Context, topic string) error {
	m := l.books
	m.mu.Lock()
	r := m.unwritable[topic]
	m.mu.Unlock()
	if r.times == 0 {
		return nil
	}
	held := &Refusal{Err: fmt.Errorf("%w; does the topic exist, and may this user write to it?", r.err)}
	if errors.Is(r.err, kerr.TopicAuthorizationFailed) {
		held = &Refusal{Err: fmt.Errorf("%w; to repair: allow this user to describe, read and write topic %s", r.err, topic)}
		if time.Since(r.asked) >= rightsEvery {
			r = l.askRights(ctx, topic, r)
		}
		switch {
		case r.may && r.denied:
			return nil
		case r.known && !r.may:
			return held
		}
	}
	if time.Since(r.at) < r.pause() {
		return held
	}
	return nil
}

// askRights asks the cluster whether the user may write, and notes the answer.
func (l *Lease) askRights(ctx context.Context, topic string, r refusal) refusal {
	rights, err := kafka.TopicRights(ctx, l.client, topic)
	r.asked, r.known = time.Now(), err == nil && rights.Known
	r.may = r.known && rights.May(kmsg.ACLOperationWrite)
	r.denied = r.denied || r.known && !r.may
	m := l.books
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, noted := m.unwritable[topic]; noted {
		m.unwritable[topic] = r
	}
	return r
}
