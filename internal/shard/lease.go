package shard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// sequenceBits is the room for a generation's counter: generation x 2^40 +
// counter is strictly increasing over owners and never reused, whether the
// transaction that carried it was committed or aborted.
const sequenceBits = 40

// transactTimeout bounds produce and commit together. It is below the broker's
// transaction timeout, so that the broker never aborts what we still write.
const transactTimeout = 45 * time.Second

// Lease is the right to write for a shard, from one take-over to the first
// error. It is safe for concurrent use.
type Lease struct {
	shard      int32
	generation int64
	stateTopic string
	client     *kgo.Client
	opts       *Options
	fresh      func() error
	held       func() error
	books      *Manager // what is remembered over tenures

	mu       turn
	over     atomic.Pointer[error]
	commits  int
	limits   *limits
	tails    tails
	sequence int64
	seqMu    sync.Mutex
}

// Shard is the partition of the state topic that the lease is for.
func (l *Lease) Shard() int32 { return l.shard }

// Generation counts the take-overs of this shard, from 1.
func (l *Lease) Generation() int64 { return l.generation }

// Client is the shard's producer, for reads that go beside the transactions.
func (l *Lease) Client() *kgo.Client { return l.client }

// NextSequence returns the next number of generation x 2^40 + counter.
func (l *Lease) NextSequence() int64 {
	l.seqMu.Lock()
	defer l.seqMu.Unlock()
	l.sequence++
	return l.generation<<sequenceBits + l.sequence
}

// Fresh is nil while an API write may start: the group has answered a heartbeat
// recently enough that the write ends before anybody else may own the shard.
// Otherwise the error is ErrStale, or that of the lease's end.
func (l *Lease) Fresh() error {
	if over := l.over.Load(); over != nil {
		return *over
	}
	return l.fresh()
}

// Held is nil as long as what an API write sends may leave this process: nobody else can
// own the shard yet. A write that starts while the lease is Fresh is over before; it is
// for a process that was stopped between the two, and goes on later than it thinks.
func (l *Lease) Held() error { return l.held() }

// Tx is one open transaction.
type Tx struct {
	ctx   context.Context //nolint:containedctx // a Tx ends with the call of Transact that made it
	lease *Lease
	state []*kgo.Record
	sent  []*kgo.Record
}

// Transact runs fn inside one transaction and commits it. It ignores the end of
// ctx once begun: a flush is finished whole. Any error, of fn or of Kafka, ends
// the lease, and the worker must return it: what was written is then unknown
// until the shard has been taken over again.
func (l *Lease) Transact(ctx context.Context, fn func(tx *Tx) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if over := l.over.Load(); over != nil {
		return errors.Join(ErrLeaseOver, *over)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactTimeout)
	defer cancel()
	started := time.Now()
	sent, err := l.transact(ctx, fn)
	if err != nil {
		l.books.noteUnwritable(err, l.limits)
		err = fencing(fmt.Errorf("transaction of shard %d: %w", l.shard, err))
		l.over.Store(&err)
		return err
	}
	l.commits++
	l.opts.Observer.Committed(l.shard, sent, time.Since(started))
	return nil
}

// committed counts the transactions of the lease.
func (l *Lease) committed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commits
}

func (l *Lease) transact(ctx context.Context, fn func(tx *Tx) error) (int, error) {
	if err := l.client.BeginTransaction(); err != nil {
		return 0, fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{ctx: ctx, lease: l}
	l.opts.OnPoint(PointBegun)
	if err := fn(tx); err != nil {
		return 0, err
	}
	if err := tx.Produce(tx.state...); err != nil {
		return 0, err
	}
	l.opts.OnPoint(PointProduced)
	if err := l.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return 0, fmt.Errorf("commit: %w", err)
	}
	l.opts.OnPoint(PointCommitted)
	l.books.noteWritten(tx.sent)
	l.lookForStrangers(tx.sent)
	return len(tx.sent), nil
}

// Produce writes records to topics of users and waits for their acks, which set
// Partition and Offset. Records of one key stay in the order given.
func (tx *Tx) Produce(recs ...*kgo.Record) error {
	if len(recs) == 0 {
		return nil
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	topic := ""
	for _, r := range recs {
		if r.Topic != topic { // they mostly have one
			topic = r.Topic
			tx.lease.limits.learn(tx.ctx, tx.lease.client, topic)
		}
	}
	wg.Add(len(recs))
	for _, r := range recs {
		tx.lease.client.Produce(tx.ctx, r, func(r *kgo.Record, err error) {
			defer wg.Done()
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = &writeError{r.Topic, err}
				}
			}
		})
	}
	wg.Wait()
	tx.sent = append(tx.sent, recs...)
	return first
}

// State adds a record to the shard's state; a nil value is a tombstone. State
// records are written after everything that fn produced and before the commit.
// Key and value must not be changed afterwards.
func (tx *Tx) State(key, value []byte) {
	tx.state = append(tx.state, &kgo.Record{Topic: tx.lease.stateTopic, Partition: tx.lease.shard, Key: key, Value: value})
}

// fencing marks errors that mean that somebody else owns the shard.
func fencing(err error) error {
	for _, e := range []error{kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.FencedInstanceID, kerr.InvalidProducerIDMapping} {
		if errors.Is(err, e) {
			return errors.Join(ErrFenced, err)
		}
	}
	return err
}
