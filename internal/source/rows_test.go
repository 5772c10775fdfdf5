package source

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/internal/source/emit"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const someID = "66f0a1b2c3d4e5f60000000a"

// rowOf is a sighting of the record of someID.
func rowOf(t *testing.T, s *stream, more string) cdc.Sighting {
	t.Helper()
	row, err := cdc.Sight(someID, []byte(`{"_id":"`+someID+`"`+more+`}`))
	if err == nil {
		err = row.Inspect(&s.shape)
	}
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// admitted are the operations that rows lead to.
func admitted(t *testing.T, s *stream, rows ...string) string {
	t.Helper()
	for _, row := range rows {
		if err := s.admitRow(rowOf(t, s, row)); err != nil {
			t.Fatal(err)
		}
	}
	var ops []string
	for _, c := range s.pending.changes {
		ops = append(ops, string(s.objects[c.entry.Object].spec.Object)+" "+c.op)
	}
	return strings.Join(ops, ", ")
}

// commit makes the pending changes known, as a flush does.
func commit(s *stream) {
	for _, c := range s.pending.changes {
		s.index.Put(c.id, c.entry)
	}
	s.pending.reset()
}

func TestWhatARowMeans(t *testing.T) {
	t.Parallel()
	const (
		note    = `,"type":"note","updatedAt":"2026-01-02T00:00:00.000Z","subject":"a"`
		edited  = `,"type":"note","updatedAt":"2026-01-03T00:00:00.000Z","subject":"b"`
		older   = `,"type":"note","updatedAt":"2026-01-01T00:00:00.000Z","subject":"c"`
		call    = `,"type":"call","updatedAt":"2026-01-03T00:00:00.000Z","subject":"a"`
		wasCall = `,"type":"call","updatedAt":"2026-01-01T00:00:00.000Z","subject":"a"`
		respelt = `,"subject":"a","updatedAt":"2026-01-02T00:00:00.000Z","type":"note"`
	)
	for name, tc := range map[string]struct {
		snapshot    bool // under way
		known, then []string
		want        string
	}{
		"what was there before is read":                {true, nil, []string{note}, "note r"},
		"what comes later is created":                  {false, nil, []string{note}, "note c"},
		"an edit":                                      {false, []string{note}, []string{edited}, "note u"},
		"other bytes, same content":                    {false, []string{note}, []string{respelt}, ""},
		"an older version":                             {false, []string{note}, []string{older}, ""},
		"a change of type":                             {false, []string{note}, []string{call}, "note d, conversation c"},
		"an older version of another type":             {false, []string{note}, []string{wasCall}, ""},
		"twice in one transaction":                     {false, nil, []string{note, note}, "note c"},
		"older, then newer, then older":                {false, nil, []string{note, edited, note, older}, "note c, note u"},
		"an edit and a change of type in a row":        {false, []string{note}, []string{edited, call}, "note u, note d, conversation c"},
		"there and back, the way back being the older": {false, []string{note}, []string{call, note}, "note d, conversation c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := streamFor(t, "conversations")
			s.cursor.SnapshotDone = true
			admitted(t, s, tc.known...)
			commit(s)
			s.cursor.SnapshotDone = !tc.snapshot
			if got := admitted(t, s, tc.then...); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// The rows of a poll come newest first and go out oldest first.
func TestAPollGoesOutOldestFirst(t *testing.T) {
	t.Parallel()
	s := streamFor(t, "companies")
	s.cursor.SnapshotDone = true
	for i := range 5 {
		id := oldID(i).String()
		row, err := cdc.Sight(id, fmt.Appendf(nil, `{"_id":"%s","updatedAt":"2026-01-0%dT00:00:00.000Z"}`, id, 9-i))
		if err == nil {
			err = row.Inspect(&s.shape)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.scan.fresh = append(s.scan.fresh, row)
	}
	if n, err := new(workspace).admitOldestFirst(t.Context(), s); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	if !slices.IsSortedFunc(s.pending.changes, func(a, b change) int { return int(a.entry.Stamp - b.entry.Stamp) }) {
		t.Error("newer changes go out before older ones")
	}
}

// writer is a workspace that can encode events of companies.
func writer(t *testing.T) *workspace {
	t.Helper()
	codec, err := schemas.NewCodec("planhat", "company")
	if err != nil {
		t.Fatal(err)
	}
	return &workspace{
		codecs: map[planhat.Object]emit.Codec{planhat.Company: {Events: codec, SchemaID: 7}}, lease: new(shard.Lease),
		now: time.Now, log: slog.New(slog.DiscardHandler), metrics: newMetrics(prometheus.NewRegistry()),
	}
}

// An event at the place that the index remembers is the one before only if it is
// of the same record and has the content that the index remembers.
func TestBeforeIsProved(t *testing.T) {
	t.Parallel()
	w, s := writer(t), streamFor(t, "companies", "company")
	admitted(t, s, `,"name":"Fjordlight"`)
	c := s.pending.changes[0]
	records, err := w.event(t.Context(), s, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.prior = c.entry
	rec := &kgo.Record{Key: records[0].Key, Value: records[0].Value}
	if got := w.beforeImage(t.Context(), s, c, rec); string(got) != string(c.row) {
		t.Errorf("the image is %s", got)
	}
	other := c
	other.id = oldID(1)
	if got := w.beforeImage(t.Context(), s, other, rec); got != nil {
		t.Errorf("that of another record is taken: %s", got)
	}
	other = c
	other.prior.Fingerprint++
	if got := w.beforeImage(t.Context(), s, other, rec); got != nil {
		t.Errorf("that of another version is taken: %s", got)
	}
}

// A record that is too large for an event goes without its before image, then
// not at all; and neither keeps its neighbours waiting.
func TestARecordThatIsTooLarge(t *testing.T) {
	t.Parallel()
	w, s := writer(t), streamFor(t, "companies", "company")
	large := func(n int) []byte { return fmt.Appendf(nil, `{"_id":%q,"name":%q}`, someID, strings.Repeat("x", n)) }
	c := change{id: oldID(1), op: opUpdate, row: large(600_000)}
	records, err := w.event(t.Context(), s, c, large(600_000))
	if err != nil {
		t.Fatal(err)
	}
	if env, err := w.codecs[planhat.Company].Events.DecodeEnvelope(records[0].Value); err != nil || env.Before != nil || env.After == nil {
		t.Errorf("an event of %d bytes: %v", len(records[0].Value), err)
	}
	s.pending.add(change{id: oldID(2), op: opCreate, row: large(1_000_000)})
	s.pending.add(change{id: oldID(3), op: opCreate, row: large(10)})
	out, err := w.events(t.Context(), s)
	if err != nil || len(out) != 1 || len(s.pending.changes) != 1 || s.pending.changes[0].id != oldID(3) {
		t.Errorf("%d events of a record that is too large and one that is not, %v", len(out), err)
	}
}

// A row that was seen is no candidate any more, whoever saw it.
func TestWhatIsListedAgainIsNoCandidate(t *testing.T) {
	t.Parallel()
	s := streamFor(t, "companies")
	id := oldID(1)
	s.cursor.AddCandidates(id, oldID(2))
	s.scan.confirm.bury(id, cdc.Entry{})
	s.listed([]cdc.Sighting{{ID: id}})
	if len(s.cursor.Candidates) != 1 || len(s.scan.confirm.gone) != 0 {
		t.Errorf("%v are candidates, %v are gone", s.cursor.Candidates, s.scan.confirm.gone)
	}
}
