package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// An object signal is for a reader who has lost a topic, for a topic that was
// lost itself, for a new schema, and for doubt: a sweep of the listing writes
// each record again, as r, where its last event stands before the ends that the
// topics had when the signal was obeyed. What was written since is not repeated,
// by whomever; polls go on between the pages of the sweep.

// dropMost is how many index entries one transaction drops.
const dropMost = 10_000

// rereadStream begins to write a stream, or one object of it, again.
func (w *workspace) rereadStream(ctx context.Context, s *stream, sig schemas.Signal) (outcome, error) {
	if why := w.asksInVain(s); why != "" {
		return notNow("%s", why)
	}
	if s.reread != nil {
		return notNow("%s is being written again since %s, by signal %s", strings.Join(s.reread.Objects, ", "), s.reread.Since, s.reread.Signal)
	}
	if s.refused != nil {
		return notNow("the state of the stream cannot be used: %v", s.refused)
	}
	lost, err := w.lostTopics(ctx, s)
	if refusal, ok := errors.AsType[*shard.Refusal](err); ok {
		return notNow("%v", refusal)
	}
	if err != nil {
		return outcome{}, emit.LeaseError{Err: err}
	}
	objects := s.chosen(sig)
	for _, i := range lost {
		if name := string(s.objects[i].spec.Object); !slices.Contains(objects, name) {
			return notNow("the topic of %s was created anew, too: leave the object out of the signal", name)
		}
	}
	if err := w.forget(ctx, s, lost); err != nil {
		return outcome{}, err
	}
	return w.beginReread(ctx, s, sig, objects, lost)
}

// beginReread makes a stream ready whose topics are all there.
func (w *workspace) beginReread(ctx context.Context, s *stream, sig schemas.Signal, objects []string, lost []int) (outcome, error) {
	ends, err := w.ends(ctx, s, objects)
	if err != nil {
		return outcome{}, emit.LeaseError{Err: err}
	}
	w.restart(s)
	s.scan = scan{}
	for _, i := range lost {
		name := string(s.objects[i].spec.Object)
		s.pins.Topics = slices.DeleteFunc(slices.Clone(s.pins.Topics), func(p pin) bool { return p.Object == name })
		s.objects[i].reading = s.cursor.SnapshotDone
	}
	pinned, err := w.checkPins(ctx, s)
	if err != nil {
		return outcome{}, emit.LeaseError{Err: err}
	}
	calls := s.pages()
	s.cursor.Sweep = nil
	s.reread = &reread{Signal: sig.ID, Since: w.now().UTC(), Objects: objects, Ends: ends}
	s.schedule.due = w.now()
	if s.health.held {
		s.health.held = false
		w.turn(s, stateOK, nil)
	}
	o := done(s, "every record of %s is read and written again, as r; calls that it takes, about: %d", strings.Join(objects, ", "), calls)
	if len(lost) > 0 {
		o.answer.Message += "; the topic was created anew and is filled from the beginning"
	}
	o.pins = &pinned
	o.notes = []schemas.Notification{{
		Kind: schemas.NotifySnapshotStarted, Stream: s.listing, Object: sig.Object, Message: o.answer.Message,
		Snapshot: &schemas.SnapshotProgress{RecordsExpected: s.index.Len(), CallsExpected: calls},
	}}
	return o, nil
}

// lostTopics are the objects of a stream whose topics are not those of the
// state; topics that are gone are created. A *shard.Refusal is what nobody but
// an operator can mend.
func (w *workspace) lostTopics(ctx context.Context, s *stream) ([]int, error) {
	var lost []int
	for i, o := range s.objects {
		if !o.capture {
			continue
		}
		infos, err := kafka.DescribeTopics(ctx, w.lease.Client(), o.topic)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			if err := w.makeTopic(ctx, o.topic); err != nil {
				return nil, &shard.Refusal{Err: err}
			}
			infos, err = kafka.DescribeTopics(ctx, w.lease.Client(), o.topic)
		}
		if errors.Is(err, kerr.TopicAuthorizationFailed) {
			return nil, &shard.Refusal{Err: fmt.Errorf("%w; allow this user to describe, read and write it", err)}
		}
		if err != nil {
			return nil, err
		}
		n := slices.IndexFunc(s.pins.Topics, func(p pin) bool { return p.Object == string(o.spec.Object) })
		switch have := infos[o.topic]; {
		case n < 0:
		case s.pins.Topics[n].ID != have.ID.String():
			lost = append(lost, i)
		case s.pins.Topics[n].Partitions != have.Partitions:
			return nil, &shard.Refusal{Err: w.mismatch(s, o.topic, s.pins.Topics[n], pin{Topic: emit.Topic{ID: have.ID.String(), Partitions: have.Partitions}})}
		}
	}
	return lost, nil
}

// makeTopic creates a change topic, where the bridge may.
func (w *workspace) makeTopic(ctx context.Context, topic string) error {
	i := slices.IndexFunc(w.changeTopics, func(spec kafka.TopicSpec) bool { return spec.Name == topic })
	return kafka.EnsureTopics(ctx, w.lease.Client(), w.changeTopics[i:i+1], w.createTopics)
}

// ends are the ends of the topics of some objects.
func (w *workspace) ends(ctx context.Context, s *stream, objects []string) (map[string][]int64, error) {
	out := map[string][]int64{}
	for _, name := range objects {
		topic := s.objects[s.indexOf(name)].topic
		end, err := durable.EndOf(ctx, w.lease.Client(), topic)
		if err != nil {
			return nil, err
		}
		out[name] = end.Next
	}
	return out, nil
}

// forget drops from the state what the topics of some objects no longer hold:
// all of it. The stream is held meanwhile, also by whoever takes over in the
// middle, and the signal is obeyed again then.
func (w *workspace) forget(ctx context.Context, s *stream, lost []int) error {
	if len(lost) == 0 {
		return nil
	}
	w.restart(s)
	var ids []cdc.ID
	for id, e := range s.index.All() {
		if slices.Contains(lost, int(e.Object)) {
			ids = append(ids, id)
		}
	}
	for part := range slices.Chunk(ids, dropMost) {
		err := w.transact(ctx, nil, func(tx *shard.Tx) error {
			for _, id := range part {
				tx.State(entryKey(w.streamName(s), id), nil)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, id := range part {
			s.index.Delete(id)
			delete(s.absent, id)
			delete(s.unseen, id)
		}
		w.passed(PointEntriesDropped)
	}
	var topics []string
	for _, i := range lost {
		topics = append(topics, s.objects[i].topic)
	}
	w.lease.Client().PurgeTopicsFromProducing(topics...) // what the client knows of them is of the old ones
	return nil
}

// writesAgain tells whether a record is to be written even if nothing changed.
func (s *stream) writesAgain(id cdc.ID, known cdc.Entry) bool {
	return s.again == id || s.owes(known)
}

func (s *stream) owes(known cdc.Entry) bool {
	return s.reread != nil && s.reread.owes(string(s.objects[known.Object].spec.Object), known)
}

// withOwed adds to the rows of a page that are news those that are owed.
func (s *stream) withOwed(seen, fresh []cdc.Sighting) []cdc.Sighting {
	if s.reread == nil {
		return fresh
	}
	var out []cdc.Sighting
	for _, row := range seen {
		isNews := len(fresh) > 0 && fresh[0].ID == row.ID
		if isNews {
			fresh = fresh[1:]
		}
		if known, exists := s.index.Get(row.ID); isNews || exists && s.owes(known) {
			out = append(out, row)
		}
	}
	return out
}

// haveReread ends an order with a complete sweep that began after it.
func (s *stream) haveReread() (signal, message string) {
	if s.reread == nil {
		return "", "every record of the listing has been read"
	}
	left := 0
	for id, e := range s.index.All() {
		if _, pending := s.pending.latest[id]; !pending && s.owes(e) {
			left++
		}
	}
	signal, message = s.reread.Signal, fmt.Sprintf("%s is written again", strings.Join(s.reread.Objects, ", "))
	if left > 0 {
		message += fmt.Sprintf("; records that the listing did not show, and that are asked for, and deleted or left as they are: %d", left)
	}
	s.reread = nil
	return signal, message
}
