package letters

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// slip is what is remembered of a letter that is about to be settled.
type slip struct {
	at      kafka.Place
	command kafka.Place
	origin  kafka.Place
	key     string
	keyed   bool
	written time.Time
}

func slipOf(l *Letter) slip {
	return slip{l.At, l.Command, l.Origin, string(l.Key), l.Key != nil, l.Written}
}

// outcome is what became of a command, as far as results tell.
type outcome int

const (
	unknown outcome = iota // it waits to be carried out, or its result is gone, or it says UNKNOWN
	applied
	without // an effect
)

// later is a command of a key of interest.
type later struct {
	id      string
	place   kafka.Place
	origin  kafka.Place // place, or that of the first if it was driven again
	sent    time.Time
	outcome outcome
}

// after tells whether the command came after that of a slip. Places of
// different partitions, as a key has them whose topic has gained partitions,
// are compared by time.
func (c *later) after(s slip) bool {
	if c.origin.Partition == s.origin.Partition {
		return c.origin.Offset > s.origin.Offset
	}
	return c.sent.After(s.written)
}

// history knows the commands that share a Kafka key with the letters' ones, and
// what became of them. A command that was driven again counts where it was first.
type history struct {
	client            *kgo.Client
	resolver          schemas.Resolver
	commands, results string

	kept   map[int32]int64 // the first offset that the commands topic still has
	next   map[int32]int64 // read up to here
	byKey  map[string][]*later
	wanted map[string]bool // keys of interest
}

// resultSlack is how far a producer's clock may be ahead of the sink's.
const resultSlack = time.Hour

// learn reads what has become of the keys of the slips.
func (h *history) learn(ctx context.Context, slips []slip) error {
	h.byKey, h.wanted = map[string][]*later{}, map[string]bool{}
	next, err := h.begin(ctx, slips)
	if err != nil {
		return err
	}
	h.next = next
	if err := h.advance(ctx); err != nil {
		return err
	}
	return h.outcomes(ctx)
}

// begin is where the reading of commands begins: in a letter's own partition
// behind its command, elsewhere at the time of the oldest letter.
func (h *history) begin(ctx context.Context, slips []slip) (map[int32]int64, error) {
	var oldest time.Time
	own := map[int32]int64{}
	for _, s := range slips {
		if !s.keyed {
			continue
		}
		h.wanted[s.key] = true
		if oldest.IsZero() || s.written.Before(oldest) {
			oldest = s.written
		}
		if at, ok := own[s.origin.Partition]; !ok || s.origin.Offset < at {
			own[s.origin.Partition] = s.origin.Offset + 1
		}
	}
	if len(h.wanted) == 0 {
		return nil, nil
	}
	next, err := partitions(ctx, h.client, h.commands, oldest)
	if err != nil {
		return nil, err
	}
	for partition, at := range own {
		if from, ok := next[partition]; ok {
			next[partition] = min(from, at)
		}
	}
	return next, nil
}

// advance reads the commands that have come since it was called last.
func (h *history) advance(ctx context.Context) error {
	for partition, from := range h.next {
		err := kafka.ReadToStable(ctx, h.client, h.commands, partition, from, func(r *kgo.Record) error {
			h.next[partition] = r.Offset + 1
			if r.Key == nil || !h.wanted[string(r.Key)] {
				return nil
			}
			return h.note(ctx, r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// note remembers a command; its id is found as the sink finds it. Commands that
// only read overtake nothing.
func (h *history) note(ctx context.Context, r *kgo.Record) error {
	c, problem := schemas.DecodeCommand(ctx, r.Value, h.resolver)
	if problem != nil && problem.Wait {
		return fmt.Errorf("decode the command at %s of %s: %w: %w", Name(place(r)), r.Topic, ErrRegistry, problem.Err)
	}
	if problem == nil && c.Op == schemas.OpGet {
		return nil
	}
	if c.ID == "" {
		c.ID = sink.DerivedID(r.Topic, r.Partition, r.Offset)
	}
	known := &later{id: c.ID, place: place(r), origin: place(r), sent: r.Timestamp}
	if text, ok := header(r, HeaderOrigin); ok {
		if at, err := ParsePlace(text); err == nil {
			known.origin = at
		}
	}
	h.byKey[string(r.Key)] = append(h.byKey[string(r.Key)], known)
	return nil
}

func place(r *kgo.Record) kafka.Place { return kafka.Place{Partition: r.Partition, Offset: r.Offset} }

// outcomes reads the results of the commands that were noted.
func (h *history) outcomes(ctx context.Context) error {
	byPlace, ids := map[kafka.Place]*later{}, map[string]bool{}
	var oldest time.Time
	for _, list := range h.byKey {
		for _, c := range list {
			byPlace[c.place], ids[c.id] = c, true
			if oldest.IsZero() || c.sent.Before(oldest) {
				oldest = c.sent
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	starts, err := partitions(ctx, h.client, h.results, oldest.Add(-resultSlack))
	if err != nil {
		return err
	}
	for partition, from := range starts {
		err := kafka.ReadToStable(ctx, h.client, h.results, partition, from, func(r *kgo.Record) error {
			if !ids[string(r.Key)] {
				return nil
			}
			result, err := schemas.DecodeAnyResult(ctx, r.Value, h.resolver)
			if err != nil {
				return fmt.Errorf("decode the result at %s of %s: %w", Name(place(r)), r.Topic, err)
			}
			if c := byPlace[kafka.Place{Partition: result.Partition, Offset: result.Offset}]; c != nil && result.Topic == h.commands {
				c.outcome = outcomeOf(result.Status)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func outcomeOf(s schemas.Status) outcome {
	switch s {
	case schemas.StatusOK:
		return applied
	case schemas.StatusRejected, schemas.StatusConflict, schemas.StatusExpired:
		return without
	case schemas.StatusUnknown:
	}
	return unknown
}

// overtaken says why a letter's command may not be driven again; empty if it may.
func (h *history) overtaken(s slip) string {
	if !s.keyed {
		return "" // nobody asked for an order
	}
	for _, c := range h.byKey[s.key] {
		if !c.after(s) || c.outcome == without {
			continue
		}
		if c.outcome == applied {
			return fmt.Sprintf("a later command of key %q was carried out: %s at %s", s.key, c.id, Name(c.place))
		}
		return fmt.Sprintf("a later command of key %q has no result that tells what it did: %s at %s", s.key, c.id, Name(c.place))
	}
	if kept, ok := h.kept[s.origin.Partition]; !ok || kept > s.origin.Offset+1 {
		return fmt.Sprintf("commands behind it, at %s, are no longer kept: nobody can tell whether a later one of key %q was carried out",
			Name(s.origin), s.key)
	}
	return ""
}
