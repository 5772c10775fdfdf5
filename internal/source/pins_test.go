package source

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// widened is the listing of conversations and notes, whose state is in the
// middle of a sweep and knows notes alone.
func widened(t *testing.T) *stream {
	t.Helper()
	s := newStreams(func(o planhat.Object) string { return string(o) }, map[string]bool{"conversation": true, "note": true})[0]
	recorded, err := json.Marshal(cdc.Cursor{SnapshotDone: true, Watermark: 5, Sweep: &cdc.SweepPosition{Last: cdc.ID{9}, Offset: 900}})
	if err != nil {
		t.Fatal(err)
	}
	s.recorded = recorded
	s.pins = pins{Version: pinsVersion, Topics: []pin{{Object: "note"}}}
	if err := json.Unmarshal(recorded, &s.cursor); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stream) readingOf() (names []string) {
	for _, o := range s.objects {
		if o.reading {
			names = append(names, string(o.spec.Object))
		}
	}
	return names
}

// A new object's first sweep begins at the start of the listing and ends with a
// commit, whatever goes wrong before it.
func TestANewObjectIsReadFromTheStartAfterTrouble(t *testing.T) {
	t.Parallel()
	s := widened(t)
	if !s.widen() || s.cursor.Sweep != nil {
		t.Fatalf("the sweep of the old selection goes on at %+v", s.cursor.Sweep)
	}
	s.haveRead() // and the commit of it is refused
	if err := s.abandon(); err != nil {
		t.Fatal(err)
	}
	if names := s.readingOf(); s.cursor.Sweep != nil || len(names) != 1 || names[0] != "conversation" {
		t.Errorf("after trouble the sweep goes on at %+v, and %q are new", s.cursor.Sweep, names)
	}
	s.pins.Topics, s.pins.Reading = append(s.pins.Topics, pin{Object: "conversation"}), []string{"conversation"} // the state has both now
	if err := s.abandon(); err != nil {
		t.Fatal(err)
	}
	if s.cursor.Sweep == nil || len(s.readingOf()) != 1 {
		t.Errorf("a sweep that began after the state knew of the object starts again: %+v, %q", s.cursor.Sweep, s.readingOf())
	}
}

// The race detector holds the status to what only the worker may look at.
func TestTheStatusMayBeAskedWhileAnObjectIsNew(t *testing.T) {
	t.Parallel()
	s := widened(t)
	service := &Service{manager: shard.New(shard.Options{Names: kafka.Names{Bridge: "b"}, Role: role})}
	w := &workspace{streams: []*stream{s}}
	var worker sync.WaitGroup
	worker.Go(func() {
		for range 1000 {
			s.widen()
			s.haveRead()
		}
	})
	st := WorkspaceStatus{State: "ok"}
	for range 1000 {
		service.tellStrangers(&st, w)
	}
	worker.Wait()
	if st.State != "ok" {
		t.Errorf("%q without any write of anybody", st.State)
	}
}
