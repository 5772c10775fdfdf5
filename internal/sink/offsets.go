package sink

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// offsets commits positions to an ordinary group, so that everybody's tools
// see the lag. Nothing is read back from it: the truth is in the state. It
// works beside the batches, latest position first, and gives up easily.
type offsets struct {
	w      *workspace
	admin  *kadm.Client
	latest chan positions
	done   chan struct{}
}

const offsetsTimeout = 5 * time.Second

func newOffsets(w *workspace, r *reader) *offsets {
	o := &offsets{w: w, admin: kadm.NewClient(r.client), latest: make(chan positions, 1), done: make(chan struct{})}
	go o.run()
	o.commit(w.positions.from(r.starts))
	return o
}

// commit hands the positions over; earlier ones that still wait are dropped.
// It is called from one goroutine.
func (o *offsets) commit(p positions) {
	select {
	case <-o.latest:
	default:
	}
	o.latest <- p
}

// stop commits what waits and ends.
func (o *offsets) stop() {
	close(o.latest)
	<-o.done
}

func (o *offsets) run() {
	defer close(o.done)
	for p := range o.latest {
		o.send(p)
		_ = sleep(o.w.ctx, o.w.times.CommitOffset) // at the end at once
	}
}

func (o *offsets) send(p positions) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(o.w.ctx), offsetsTimeout)
	defer cancel()
	var group kadm.Offsets
	for partition, next := range p.Next {
		group.AddOffset(p.Topic, partition, next, -1)
	}
	name := o.w.service.names.CommandGroup(vendor, o.w.cfg.Name)
	if _, err := o.admin.CommitOffsets(ctx, name, group); err != nil {
		o.w.log.Debug("commit of offsets for tools failed", "group", name, "error", err.Error())
	}
}
