package shard

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// generationKey is the one state record that this package keeps for itself. A
// header of it names the process that wrote it.
var generationKey = []byte("\x00generation")

const ownerHeader = "owner"

// Limits of taking over again.
const (
	fencedPerMinute = 3
	backoffBase     = 200 * time.Millisecond
	backoffMax      = 5 * time.Second
	refusalPause    = time.Minute
)

// owner holds one assigned shard from assignment to revocation.
type owner struct {
	shard int32
	opts  *Options
	// standing reports whether the shard is still assigned to this process.
	standing func() bool
	// confirm asks the group whether this process is still its member.
	confirm func(context.Context) error
	fresh   func() error
	held    func() error
	books   *Manager // what is remembered over tenures
	// former is the last other process that owned the shard, as the state names it.
	former string
	worked bool // the last tenure has committed more than its beginning
}

// run takes the shard over, again after every end of a lease, until ctx ends or
// the shard is no longer ours. The error is nil unless the process should end.
func (o *owner) run(ctx context.Context) error {
	var fenced []time.Time
	for attempt := 0; ctx.Err() == nil; attempt++ {
		err := o.tenure(ctx)
		if ctx.Err() != nil {
			o.opts.Observer.Released(o.shard, nil)
			return nil //nolint:nilerr // told to stop: what the tenure ended with is that
		}
		o.opts.Observer.Released(o.shard, err)
		if !o.standing() {
			return nil
		}
		var refusal *Refusal
		switch {
		case errors.As(err, &refusal):
			if text := err.Error(); o.books.noteRefused(o.shard, text) {
				o.opts.Log.Error("shard refused", "shard", o.shard, "error", text)
			}
			sleep(ctx, o.refusedFor(err))
			continue
		case errors.Is(err, ErrFenced):
			fenced = within(append(fenced, time.Now()), time.Minute)
			if len(fenced) > o.patience(ctx) {
				return fmt.Errorf("shard %d was fenced %d times within a minute while assigned to this process: "+
					"is another deployment running with the same BRIDGE_NAME? %w", o.shard, len(fenced), err)
			}
		}
		if o.worked {
			attempt = 0
		}
		o.opts.Log.Warn("shard is taken over again", "shard", o.shard, "error", fmt.Sprint(err))
		sleep(ctx, backoff(attempt))
	}
	return nil
}

// tenure is one take-over: fence, check, restore, begin, work.
func (o *owner) tenure(ctx context.Context) error {
	started := time.Now()
	o.worked = false
	// Who was stopped for a while may be no member any more and not know it: it
	// must not fence the one that owns the shard now.
	if err := o.confirm(ctx); err != nil {
		return err
	}
	stateTopic, limits := o.opts.Names.State(o.opts.Role), newLimits()
	client, err := o.opts.Kafka.For("shard-"+strconv.Itoa(int(o.shard))).NewClient(
		kgo.TransactionalID(o.opts.Names.TransactionalID(o.opts.Role, o.shard)),
		kgo.TransactionTimeout(transactTimeout+15*time.Second),
		kgo.RecordPartitioner(byTopic{manual: stateTopic}),
		kgo.ProducerBatchMaxBytesFn(limits.of),
		kgo.ProducerLinger(0),
	)
	if err != nil {
		return fmt.Errorf("client of shard %d: %w", o.shard, err)
	}
	defer client.Close()
	if _, _, err := client.ProducerID(ctx); err != nil {
		return o.mendable(fencing(fmt.Errorf("fence shard %d: %w", o.shard, err)))
	}
	if err := o.stillOurs(ctx); err != nil {
		return err
	}
	o.opts.OnPoint(PointFenced)
	worker := o.opts.New(o.shard)
	generation, restored, err := o.restore(ctx, client, stateTopic, worker)
	if err != nil {
		return err
	}
	o.opts.OnPoint(PointRestored)
	lease := &Lease{shard: o.shard, generation: generation + 1, stateTopic: stateTopic, client: client, opts: o.opts, fresh: o.fresh, held: o.held, books: o.books, tails: tails{}, limits: limits, mu: newTurn()}
	err = lease.Transact(ctx, func(tx *Tx) error {
		tx.State(generationKey, binary.BigEndian.AppendUint64(nil, uint64(lease.generation)))
		tx.state[0].Headers = []kgo.RecordHeader{{Key: ownerHeader, Value: []byte(o.books.name)}}
		return nil
	})
	if err != nil {
		return o.mendable(err)
	}
	o.books.noteRefused(o.shard, "")
	o.opts.Observer.TakenOver(o.shard, lease.generation, restored, time.Since(started))
	o.opts.Log.Info("shard taken over", "shard", o.shard, "generation", lease.generation, "restored", restored)
	err = worker.Run(ctx, lease)
	o.worked = lease.committed() > 1
	return err
}

// errLetGo ends a take-over of a shard that is no longer assigned.
var errLetGo = errors.New("the shard was let go while it was taken over")

// stillOurs asks once more after the fence: nobody who was given the shard
// before that moment can have written since, and nobody shall be kept from it
// who was given it meanwhile.
func (o *owner) stillOurs(ctx context.Context) error {
	if err := o.confirm(ctx); err != nil {
		return err
	}
	if !o.standing() {
		return errLetGo
	}
	return nil
}

// restore hands the committed state to the worker and returns the generation
// of the last owner.
func (o *owner) restore(ctx context.Context, client *kgo.Client, topic string, w Worker) (generation int64, restored int, err error) {
	err = kafka.ReadToStable(ctx, client, topic, o.shard, 0, func(r *kgo.Record) error {
		restored++
		o.opts.OnPoint(PointRestoring)
		if string(r.Key) == string(generationKey) {
			if len(r.Value) != 8 {
				return fmt.Errorf("generation record at offset %d has %d bytes, want 8", r.Offset, len(r.Value))
			}
			generation = int64(binary.BigEndian.Uint64(r.Value))
			if name := writer(r); name != o.books.name {
				o.former = name
			}
			return nil
		}
		return w.Restore(r.Key, r.Value)
	})
	if err != nil {
		return 0, 0, o.mendable(fmt.Errorf("restore shard %d from %s: %w", o.shard, topic, err))
	}
	return generation, restored, nil
}

// writer is the process that wrote a generation; "" for one that does not say.
func writer(r *kgo.Record) string {
	for _, h := range r.Headers {
		if h.Key == ownerHeader {
			return string(h.Value)
		}
	}
	return ""
}

// byTopic partitions the state topic by hand and all others as every other
// Kafka client does (murmur2 of the key).
type byTopic struct{ manual string }

func (p byTopic) ForTopic(topic string) kgo.TopicPartitioner {
	if topic == p.manual {
		return kgo.ManualPartitioner().ForTopic(topic)
	}
	return kgo.StickyKeyPartitioner(nil).ForTopic(topic)
}

func within(times []time.Time, d time.Duration) []time.Time {
	cut := time.Now().Add(-d)
	for len(times) > 0 && times[0].Before(cut) {
		times = times[1:]
	}
	return times
}

func backoff(attempt int) time.Duration {
	d := min(backoffBase<<min(attempt, 6), backoffMax)
	return d/2 + rand.N(d/2)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
