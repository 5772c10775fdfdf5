package letters

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

const (
	// portion is how many letters are settled in one transaction at most, and
	// portionBytes how large they may be together, but for the last.
	portion      = 200
	portionBytes = 8 << 20
	// batchBytes is what brokers with default settings take.
	batchBytes      = 1 << 20
	transactTimeout = 30 * time.Second
)

// ErrUnclear means that nobody can tell whether a transaction was committed.
var ErrUnclear = errors.New("whether it was committed is not known; run the command again: letters that were settled will not be settled twice")

// NewClient makes the client with which letters are settled. Who has taken the
// transactional id holds the only hand: what another one has begun is aborted,
// and it can commit nothing more.
func NewClient(o kafka.Options, transactionalID string) (*kgo.Client, error) {
	return o.NewClient(
		kgo.TransactionalID(transactionalID),
		kgo.TransactionTimeout(transactTimeout+15*time.Second),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(batchBytes),
	)
}

// take fences every other hand. What is read afterwards is all that they did.
func take(ctx context.Context, cl *kgo.Client) error {
	_, _, err := cl.ProducerID(ctx)
	if errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
		id, _ := cl.OptValue(kgo.TransactionalID).(*string)
		name := ""
		if id != nil {
			name = *id
		}
		return fmt.Errorf("take the transactional id: %w; allow this user to Write and Describe the transactional id %s", err, name)
	}
	if err != nil {
		return fmt.Errorf("take the transactional id: %w", err)
	}
	return nil
}

// transact writes records in one transaction. It is finished whole even if ctx
// ends meanwhile.
func transact(ctx context.Context, cl *kgo.Client, records []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactTimeout)
	defer cancel()
	if err := cl.BeginTransaction(); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		abort := cl.EndTransaction(ctx, kgo.TryAbort) // if it fails, the next hand aborts it
		return fmt.Errorf("settle letters: nothing of these %d records was written: %w", len(records), errors.Join(err, abort))
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) {
			return fmt.Errorf("settle letters: somebody else settles letters of this workspace; run it again when they are done: %w", err)
		}
		return fmt.Errorf("settle letters: %w: %w", err, ErrUnclear)
	}
	return nil
}

func pair(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

// mark is the record that settles a letter.
func mark(topic string, l *Letter, state Settlement, now time.Time, more ...kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{
		Topic: topic, Partition: l.At.Partition, Key: l.Key, Timestamp: now,
		Headers: append([]kgo.RecordHeader{
			pair(HeaderSettled, string(state)), pair(HeaderOffset, strconv.FormatInt(l.At.Offset, 10)),
			pair(sink.HeaderCommandID, l.CommandID), pair(sink.HeaderTime, now.UTC().Format(time.RFC3339Nano)),
		}, more...),
	}
}
