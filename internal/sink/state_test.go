package sink

import (
	"reflect"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// batchOf makes commands of partition 0; those with an x are answered.
func batchOf(first int64, pattern string) []*command {
	var out []*command
	for n := range pattern {
		c := &command{record: &kgo.Record{Partition: 0, Offset: first + int64(n)}}
		if pattern[n] == 'x' {
			c.end(schemas.EffectUpdated, "")
		}
		out = append(out, c)
	}
	return out
}

func TestPositionsAfter(t *testing.T) {
	tests := []struct {
		name    string
		before  positions
		first   int64
		pattern string
		next    int64
		ahead   []int64
	}{
		{"all", positions{}, 5, "xxx", 8, nil},
		{"none", positions{Next: map[int32]int64{0: 5}}, 5, "...", 5, nil},
		{"a hole", positions{Next: map[int32]int64{0: 5}}, 5, "x.xx", 6, []int64{7, 8}},
		{"twice", positions{Next: map[int32]int64{0: 6}, Ahead: map[int32][]int64{0: {7, 8}}}, 6, ".xxx", 6, []int64{7, 8, 9}},
		{"the hole closes", positions{Next: map[int32]int64{0: 6}, Ahead: map[int32][]int64{0: {7, 8}}}, 6, "xxxx", 10, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.before.Next == nil {
				tt.before.Next = map[int32]int64{}
			}
			got := tt.before.clone()
			got.after(batchOf(tt.first, tt.pattern))
			if got.Next[0] != tt.next || !reflect.DeepEqual(got.Ahead[0], tt.ahead) {
				t.Fatalf("next %d, ahead %v, want %d, %v", got.Next[0], got.Ahead[0], tt.next, tt.ahead)
			}
			var restored positions
			if err := restored.restore(got.json()); err != nil {
				t.Fatal(err)
			}
			for offset := range int64(12) {
				if got.done(0, offset) != restored.done(0, offset) {
					t.Fatalf("offset %d: restored as %v", offset, restored.done(0, offset))
				}
			}
		})
	}
}

func TestPin(t *testing.T) {
	var p positions
	if err := p.pin("commands", kafka.TopicInfo{ID: kafka.TopicID{1}, Partitions: 3}); err != nil {
		t.Fatal(err)
	}
	p.Next[0] = 7
	if err := p.pin("commands", kafka.TopicInfo{ID: kafka.TopicID{1}, Partitions: 4}); err != nil {
		t.Fatalf("a topic that gained a partition: %v", err)
	}
	tests := []struct {
		name, topic string
		info        kafka.TopicInfo
		want        string
	}{
		{"created again", "commands", kafka.TopicInfo{ID: kafka.TopicID{2}, Partitions: 4}, "deleted and created again"},
		{"another name", "x.commands", kafka.TopicInfo{ID: kafka.TopicID{1}, Partitions: 4}, "TOPIC_PREFIX"},
		{"fewer partitions", "commands", kafka.TopicInfo{ID: kafka.TopicID{1}, Partitions: 3}, "3 partitions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := p.clone()
			if err := q.pin(tt.topic, tt.info); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestLedgerRoundTrip(t *testing.T) {
	var l ledger
	l.begin([]place{{0, 1}, {1, 2}, {0, 3}})
	l.made(place{1, 2}, "id")
	l.forget(place{0, 3})
	var restored ledger
	if err := restored.restore(l.value()); err != nil {
		t.Fatal(err)
	}
	if i, ok := restored.find(place{0, 1}); !ok || i.RecordID != "" {
		t.Errorf("the begun create is %+v, %v", i, ok)
	}
	if i, ok := restored.find(place{1, 2}); !ok || i.RecordID != "id" {
		t.Errorf("the answered create is %+v, %v", i, ok)
	}
	if _, ok := restored.find(place{0, 3}); ok {
		t.Error("the forgotten create is back")
	}
	restored.forget(place{0, 1})
	restored.forget(place{1, 2})
	if v := restored.value(); v != nil {
		t.Errorf("an empty ledger is %s, want a tombstone", v)
	}
}

func TestStateOfNewerVersionsIsRefused(t *testing.T) {
	var p positions
	if err := p.restore([]byte(`{"version":2}`)); err == nil {
		t.Error("positions of version 2 pass")
	}
	var l ledger
	if err := l.restore([]byte(`{"version":2}`)); err == nil {
		t.Error("intents of version 2 pass")
	}
	w := &workspace{}
	if err := w.restore('z', nil); err == nil {
		t.Error("a kind that is not known passes")
	}
}

func TestDeadLettersFit(t *testing.T) {
	w := &workspace{deadLetters: "d"}
	c := &command{record: &kgo.Record{Topic: "c", Key: []byte("k"), Value: make([]byte, 2<<20)}}
	c.refuse(&plan.Refusal{Status: schemas.StatusRejected, Code: schemas.CodeTooLarge, Message: "m", Remedy: "r"})
	r := w.deadLetter(c)
	omitted := ""
	for _, h := range r.Headers {
		if h.Key == HeaderOmitted {
			omitted = string(h.Value)
		}
	}
	if size(r) > recordBytes || r.Value != nil || omitted != "2097152" || string(r.Key) != "k" {
		t.Errorf("dead letter of a large command: %d bytes, key %q, omitted %q", size(r), r.Key, omitted)
	}
	for status, want := range map[schemas.Status]bool{
		schemas.StatusRejected: true, schemas.StatusUnknown: true, schemas.StatusConflict: false, schemas.StatusExpired: false,
	} {
		c.refuse(&plan.Refusal{Status: status})
		if got := w.deadLetter(c) != nil; got != want {
			t.Errorf("%s gets a dead letter: %v", status, got)
		}
	}
}

func TestDerivedID(t *testing.T) {
	// Python: uuid.uuid5(uuid.NAMESPACE_URL, "kafka:planhat.commands.acme/2/17")
	const want = "9271c8b8-0cfd-5e51-b6f2-3a6f73f00a9c"
	if got := DerivedID("planhat.commands.acme", 2, 17); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
