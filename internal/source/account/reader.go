package account

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
)

// Of webhooks, what is settled together at most, and what is fetched.
const (
	batchEvents = 500
	fetchBytes  = 8 << 20
)

// batch are webhooks in the order of their partitions.
type batch struct {
	records []*kgo.Record
	at      durable.Position // behind them
	lost    string           // why webhooks before them were never read; "": none are missing
	heard   *heard           // what they ask for, once they have been read
}

// reader reads an account's webhooks from the positions in the state on.
type reader struct {
	kafka   kafka.Options
	topic   string
	name    string
	at      durable.Position
	linger  time.Duration
	look    time.Duration
	log     *slog.Logger
	batches chan *batch
}

func newReader(a *Account) *reader {
	return &reader{
		kafka: a.opts.Kafka.For("webhooks-" + a.cfg.Name), topic: a.opts.Names.Webhooks(a.cfg.Name), name: a.cfg.Name, at: a.places,
		linger: a.times.Linger, look: a.times.Look, log: a.log, batches: make(chan *batch),
	}
}

// run reads until ctx ends. Trouble with Kafka is waited for.
func (r *reader) run(ctx context.Context) error {
	trouble := ""
	for ctx.Err() == nil {
		err := r.session(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop
		}
		if err == nil { // the topic is another one, or has more partitions
			continue
		}
		if err.Error() != trouble {
			r.log.Warn("webhooks cannot be read", "account", r.name, "topic", r.topic, "error", err.Error())
		}
		trouble = err.Error()
		rest(ctx, time.Second)
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// session reads until the topic is not what it was.
func (r *reader) session(ctx context.Context) error {
	client, err := r.kafka.NewClient()
	if err != nil {
		return err
	}
	defer client.Close()
	infos, err := kafka.DescribeTopics(ctx, client, r.topic)
	if err != nil {
		return err
	}
	info := infos[r.topic]
	if err := r.place(ctx, client, info.ID.String(), info.Partitions); err != nil {
		return err
	}
	offsets := map[int32]kgo.Offset{}
	for n := range info.Partitions {
		offsets[n] = kgo.NewOffset().At(r.at.In(n))
	}
	consumer, err := r.kafka.NewClient(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: offsets}), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(fetchBytes), kgo.FetchMaxWait(500*time.Millisecond),
	)
	if err != nil {
		return err
	}
	defer consumer.CloseAllowingRebalance()
	for ctx.Err() == nil {
		until, cancel := context.WithTimeout(ctx, r.look)
		err := r.read(ctx, until, consumer)
		cancel()
		if err != nil && until.Err() == nil {
			return err
		}
		now, err := kafka.DescribeTopics(ctx, client, r.topic)
		if err != nil {
			return err
		}
		if now[r.topic] != info {
			return nil
		}
	}
	return nil
}

// place compares the positions with the topic, and hands over what is to be said
// of it: that webhooks left the topic before they were read, or that it is
// another one.
func (r *reader) place(ctx context.Context, client *kgo.Client, id string, partitions int32) error {
	at, lost := durable.Position{TopicID: id, Next: make([]int64, partitions)}, ""
	if r.at.TopicID != "" && r.at.TopicID != id {
		lost = "the topic of webhooks was created anew, so that those in it before are gone"
	}
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, r.topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("list the first offsets of %s: %w", r.topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, r.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("list the last offsets of %s: %w", r.topic, err)
	}
	for n := range partitions {
		start, _ := starts.Lookup(r.topic, n)
		end, _ := ends.Lookup(r.topic, n)
		if r.at.TopicID == id {
			at.Next[n] = r.at.In(n)
		}
		if next := at.Next[n]; next >= start.Offset && next <= end.Offset {
			continue
		} else if r.at.TopicID == id && int(n) < len(r.at.Next) {
			lost = fmt.Sprintf("webhooks left the topic before they were read: partition %d begins at %d and ends at %d, the next one to read was %d", n, start.Offset, end.Offset, next)
		}
		at.Next[n] = start.Offset
	}
	r.at = at
	if lost == "" {
		return nil
	}
	return r.hand(ctx, &batch{at: at, lost: lost})
}

// read hands webhooks over for a while. What was fetched by then is handed over,
// too, unless ctx ends.
func (r *reader) read(ctx, until context.Context, client *kgo.Client) error {
	for until.Err() == nil {
		records, err := r.poll(until, client)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			continue
		}
		lost, at := "", r.at
		for _, rec := range records {
			if next := at.In(rec.Partition); rec.Offset > next {
				lost = fmt.Sprintf("webhooks %d to %d of partition %d left the topic before they were read", next, rec.Offset-1, rec.Partition)
			}
			at = at.After(rec.Partition, rec.Offset)
		}
		if err := r.hand(ctx, &batch{records: records, at: at, lost: lost}); err != nil {
			return err
		}
		r.at = at
	}
	return nil
}

// poll waits for webhooks, and collects more for a moment from the first on.
func (r *reader) poll(ctx context.Context, client *kgo.Client) ([]*kgo.Record, error) {
	records, err := r.fetch(ctx, client, batchEvents)
	if err != nil || len(records) == 0 {
		return nil, err
	}
	linger, cancel := context.WithTimeout(ctx, r.linger)
	defer cancel()
	for len(records) < batchEvents && linger.Err() == nil {
		more, err := r.fetch(linger, client, batchEvents-len(records))
		if err != nil {
			break // what is wrong shows again
		}
		records = append(records, more...)
	}
	return records, nil
}

// fetch waits for webhooks until ctx ends; then there may be none.
func (r *reader) fetch(ctx context.Context, client *kgo.Client, most int) (_ []*kgo.Record, err error) {
	fetches := client.PollRecords(ctx, most)
	fetches.EachError(func(topic string, partition int32, cause error) {
		if ctx.Err() == nil {
			err = fmt.Errorf("read %s partition %d: %w", topic, partition, cause)
		}
	})
	if records := fetches.Records(); len(records) > 0 {
		return records, nil
	}
	return nil, err
}

func (r *reader) hand(ctx context.Context, b *batch) error {
	select {
	case r.batches <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
