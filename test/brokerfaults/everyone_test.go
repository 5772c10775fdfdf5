package brokerfaults

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// everyone reads the change topics as a reader does that does not care for
// commits: whatever was written, aborted or not, each sequence number is greater
// than the one before it in its partition, and none is used twice.
func (w *world) everyone() {
	w.t.Helper()
	type spot struct {
		topic     string
		partition int32
		offset    int64
	}
	used := map[int64]spot{}
	for _, object := range w.objects {
		codec, err := schemas.NewCodec("planhat", object)
		if err != nil {
			w.t.Fatal(err)
		}
		last := map[int32]int64{}
		w.raw(changesOf(object), func(r *kgo.Record) {
			if r.Value == nil {
				return
			}
			env, err := codec.DecodeEnvelope(r.Value)
			if err != nil {
				w.t.Errorf("%s partition %d offset %d: %v", r.Topic, r.Partition, r.Offset, err)
				return
			}
			n, at := env.Source.Sequence, spot{r.Topic, r.Partition, r.Offset}
			if before, twice := used[n]; twice {
				w.t.Errorf("sequence %d is at %v and at %v", n, before, at)
			}
			if n <= last[r.Partition] {
				w.t.Errorf("sequence %d at %v comes after %d", n, at, last[r.Partition])
			}
			used[n], last[r.Partition] = at, n
		})
	}
}

// raw reads all that is in a topic now.
func (w *world) raw(topic string, take func(*kgo.Record)) {
	w.t.Helper()
	cl := w.client(kgo.ConsumeTopics(topic), kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer cl.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), prompt)
	defer cancel()
	adm := kadm.NewClient(cl)
	starts, err := adm.ListStartOffsets(ctx, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	ends, err := adm.ListEndOffsets(ctx, topic)
	if err != nil {
		w.t.Fatal(err)
	}
	left := map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, o.Partition); ok && start.Offset < o.Offset {
			left[o.Partition] = o.Offset - 1
		}
	})
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			w.t.Fatalf("read %s: the ends %v are not reached", topic, left)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if end, ok := left[r.Partition]; ok && r.Offset >= end {
				delete(left, r.Partition)
			}
			if !r.Attrs.IsControl() {
				take(r)
			}
		})
	}
}

// places holds the committed state to the committed changes: what the index says
// of a record is at the place that it says. A cursor or an index that is ahead
// of what was written shows here, even if a later sweep would make up for it.
func (w *world) places() {
	w.t.Helper()
	cl := w.client()
	defer cl.Close()
	index := map[string]cdc.Entry{}
	for partition := range int32(shard.DefaultShards) {
		err := kafka.ReadToStable(w.t.Context(), cl, names.State("source"), partition, 0, func(r *kgo.Record) error {
			_, rest, ok := bytes.Cut(r.Key, []byte{0})
			if !ok || len(rest) < 2 || rest[0] != 'e' {
				return nil
			}
			if r.Value == nil {
				delete(index, string(r.Key))
				return nil
			}
			e, err := cdc.ParseEntry(r.Value)
			index[string(r.Key)] = e
			return err
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.atPlaces(cl, index)
}

// topicOf is the change topic of the n-th object of a listing.
func topicOf(listing string, n uint8) string {
	for _, spec := range planhat.Objects() {
		if spec.Listing != listing {
			continue
		}
		if n == 0 {
			return changesOf(string(spec.Object))
		}
		n--
	}
	return ""
}

func (w *world) atPlaces(cl *kgo.Client, index map[string]cdc.Entry) {
	w.t.Helper()
	wanted := map[string][]kafka.Place{}
	ids := map[string]map[kafka.Place]string{}
	for key, e := range index {
		name, rest, _ := strings.Cut(key, "\x00")
		if e.Offset < 0 {
			continue // a broker that acknowledged a repeated request without saying where
		}
		topic := topicOf(name[strings.LastIndex(name, "/")+1:], e.Object)
		var id cdc.ID
		copy(id[:], rest[1:])
		at := kafka.Place{Partition: e.Partition, Offset: e.Offset}
		wanted[topic] = append(wanted[topic], at)
		if ids[topic] == nil {
			ids[topic] = map[kafka.Place]string{}
		}
		if other, twice := ids[topic][at]; twice {
			w.t.Errorf("the index has %s and %s at one place of %s: %v", id, other, topic, at)
		}
		ids[topic][at] = id.String()
	}
	for topic, places := range wanted {
		if !slices.Contains(w.objects, topic[strings.LastIndex(topic, ".")+1:]) {
			continue
		}
		found, err := kafka.ReadAt(w.t.Context(), cl, topic, places)
		if err != nil {
			w.t.Fatal(err)
		}
		for at, id := range ids[topic] {
			if r := found[at]; r == nil || string(r.Key) != id {
				w.t.Errorf("the index has %s at %v of %s, where it is not", id, at, topic)
			}
		}
	}
}
