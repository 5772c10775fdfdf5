package source

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
)

// pinsVersion is stored with the pins. A reader refuses a later one.
const pinsVersion = 1

// pins are what the state of a stream relies on: places in topics that must be
// the very topics that were written, and positions in a list of objects.
type pins struct {
	Version int      `json:"version"`
	Objects []string `json:"objects"` // an Entry's Object is an index into it
	Topics  []pin    `json:"topics"`
	// Reading are objects that came to a listing which others had been captured
	// from, until their first complete sweep has ended.
	Reading []string `json:"reading,omitempty"`
}

type pin struct {
	Object string `json:"object"`
	emit.Topic
}

func (p pins) equal(other pins) bool {
	return slices.Equal(p.Topics, other.Topics) && slices.Equal(p.Objects, other.Objects) && slices.Equal(p.Reading, other.Reading)
}

func (p pins) encode() []byte {
	text, _ := json.Marshal(p) //nolint:errchkjson // strings and numbers
	return text
}

// restorePins reads the pins and compares the objects, which need no broker.
func (s *stream) restorePins(value []byte) error {
	var p pins
	if err := durable.Read("pins", pinsVersion, value, &p); err != nil {
		return err
	}
	for i, name := range p.Objects {
		if i >= len(s.objects) || string(s.objects[i].spec.Object) != name {
			return fmt.Errorf("object %d of the state is %s, which this release has elsewhere: start the release that wrote the state", i, name)
		}
	}
	s.pins = p
	return nil
}

// widen notes which captured objects the state does not know although the
// listing's snapshot is done, and begins their sweep from the start.
func (s *stream) widen() bool {
	if !s.cursor.SnapshotDone || s.refused != nil {
		return false
	}
	fresh := false
	for i := range s.objects {
		o := &s.objects[i]
		name := string(o.spec.Object)
		pinned := slices.ContainsFunc(s.pins.Topics, func(p pin) bool { return p.Object == name })
		o.reading = o.capture && (!pinned || slices.Contains(s.pins.Reading, name))
		fresh = fresh || o.reading && !pinned
	}
	if fresh {
		s.cursor.Sweep = nil
	}
	return fresh
}

// haveRead ends with a complete sweep what widen began.
func (s *stream) haveRead() {
	for i := range s.objects {
		s.objects[i].reading = false
	}
}

// pinned tells whether the state has the pins of what is captured now.
func (s *stream) pinned() bool {
	var reading []string
	for _, o := range s.objects {
		name := string(o.spec.Object)
		if o.capture && !slices.ContainsFunc(s.pins.Topics, func(p pin) bool { return p.Object == name }) {
			return false
		}
		if o.reading {
			reading = append(reading, name)
		}
	}
	return slices.Equal(reading, s.pins.Reading)
}

// checkPins compares the topics of a stream with what its state says they are,
// and returns the pins that are to be written with the next change. A mismatch
// is a *shard.Refusal; other errors end the lease.
func (w *workspace) checkPins(ctx context.Context, s *stream) (pins, error) {
	if s.refused != nil {
		return pins{}, &shard.Refusal{Err: s.refused}
	}
	now := pins{Version: pinsVersion, Topics: slices.Clone(s.pins.Topics)}
	for _, o := range s.objects {
		name := string(o.spec.Object)
		now.Objects = append(now.Objects, name)
		if !o.capture {
			continue
		}
		if o.reading {
			now.Reading = append(now.Reading, name)
		}
		found, err := emit.Find(ctx, w.lease, o.topic, w.rereadRemedy(s))
		if err != nil {
			return pins{}, err
		}
		have := pin{Object: name, Topic: found}
		i := slices.IndexFunc(now.Topics, func(p pin) bool { return p.Object == name })
		if i < 0 {
			now.Topics = append(now.Topics, have)
			continue
		}
		if err := w.mismatch(s, o.topic, now.Topics[i], have); err != nil {
			return pins{}, &shard.Refusal{Err: err}
		}
	}
	return now, nil
}

func (w *workspace) mismatch(s *stream, topic string, was, have pin) error {
	return emit.Mismatch(topic, was.Topic, have.Topic, w.rereadRemedy(s))
}

// rereadRemedy is how a stream is captured again from the beginning.
func (w *workspace) rereadRemedy(s *stream) string {
	return fmt.Sprintf("planhatctl signal object --workspace %s --stream %s (its records are then read again from the vendor)", w.cfg.Name, s.listing)
}
