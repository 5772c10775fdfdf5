package brokerfaults

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
	"github.com/planhat-bridge/planhat-bridge/test/share"
)

// trouble is a fault in force.
type trouble struct {
	met func() bool // it has happened to the source; nil: at once
	end func()      // nil: it ends by itself
}

// story is a fault while records change, and what has to be true afterwards.
type story struct {
	name  string
	begin func(w *world) trouble
	after func(w *world) // besides the oracle's judgement; may be nil
}

// metWithin is how long a fault may take to happen.
const metWithin = 15 * time.Second * slack

// tell runs a story in a world whose source is under way.
func (w *world) tell(t *testing.T, s story) {
	t.Helper()
	w.t, w.source.T = t, t
	w.live(15)
	tr := s.begin(w)
	w.live(15)
	if tr.met != nil {
		wait.Until(t, "the fault happens", metWithin, func() bool {
			w.live(1) // so that there is something to write
			return tr.met()
		})
	}
	w.live(15)
	if tr.end != nil {
		tr.end()
	}
	took := w.fresh()
	w.live(15)
	report := w.judge()
	t.Logf("a fresh change took %s after the end of the fault; %d changes", took.Round(time.Millisecond), report.Changes)
	if s.after != nil {
		s.after(w)
	}
}

// tellAll tells stories one after the other in one world, and at the end starts
// the source again: what it does then shows what it had really written.
func tellAll(t *testing.T, w *world, stories []story) {
	t.Helper()
	w.t = t
	w.start()
	for _, s := range stories {
		ok := t.Run(s.name, func(t *testing.T) { w.tell(t, s) })
		w.t, w.source.T = t, t
		if !ok {
			t.Fatal("the world is not whole any more: the other stories are not told")
		}
	}
	w.restart()
	before := w.judge().Changes
	w.live(10)
	if after := w.judge().Changes; after == before {
		t.Error("nothing is captured after a restart")
	}
}

// inWorlds tells stories in worlds of their own, a few in each.
func inWorlds(t *testing.T, s setting, stories []story) {
	t.Helper()
	const each, oneOf = 3, 4
	stories = share.Of(stories, oneOf)
	for n := 0; n < len(stories); n += each {
		some := stories[n:min(n+each, len(stories))]
		t.Run(some[0].name+" and on", func(t *testing.T) {
			t.Parallel()
			tellAll(t, newWorld(t, s), some)
		})
	}
}

// faulty is a broker's own fault, until so many requests have met it, at least
// once; most -1: until the end.
func faulty(most int, f kfake.Fault) func(*world) trouble {
	return func(w *world) trouble {
		f.Count = most
		h := w.cluster.Fault(f)
		return trouble{met: func() bool { return h.Hits() >= max(1, most) }, end: h.Remove}
	}
}

// wired is a trouble of the source's connection, until it has happened so often.
func wired(r *wire.Rule) func(*world) trouble {
	return func(w *world) trouble {
		return trouble{met: func() bool { return r.Hits.Load() >= int64(max(1, r.Most)) }, end: w.wire.Add(r)}
	}
}

// ofUs holds for requests of the shard that the workspace is on.
func ofUs(req kmsg.Request) bool {
	switch r := req.(type) {
	case *kmsg.EndTxnRequest:
		return r.TransactionalID == ourID
	case *kmsg.ProduceRequest:
		return r.TransactionID != nil && *r.TransactionID == ourID
	case *kmsg.InitProducerIDRequest:
		return r.TransactionalID != nil && *r.TransactionalID == ourID
	case *kmsg.AddPartitionsToTxnRequest:
		return r.TransactionalID == ourID
	}
	return false
}

// commits holds for the commit of what the source has written for us.
func commits(req kmsg.Request) bool {
	r, ok := req.(*kmsg.EndTxnRequest)
	return ok && r.Commit && r.TransactionalID == ourID
}

// says makes an answer to the end of a transaction an error, though it was done.
func says(err *kerr.Error) func(kmsg.Response) {
	return func(resp kmsg.Response) { resp.(*kmsg.EndTxnResponse).ErrorCode = err.Code }
}

// refuses makes an answer to a produce request an error, though all was written.
func refuses(err *kerr.Error) func(kmsg.Response) {
	return func(resp kmsg.Response) {
		for _, t := range resp.(*kmsg.ProduceResponse).Topics {
			for i := range t.Partitions {
				t.Partitions[i].ErrorCode, t.Partitions[i].BaseOffset = err.Code, -1
			}
		}
	}
}
