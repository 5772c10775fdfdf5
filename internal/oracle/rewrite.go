package oracle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// produce writes records to the partitions that they name, in order.
func produce(ctx context.Context, o Options, records []*kgo.Record) error {
	o.Kafka.Registerer = nil
	cl, err := o.Kafka.NewClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("write to %s: %w", records[0].Topic, err)
	}
	return nil
}

// rewrite deletes a topic, creates it with the settings it had and writes
// records to it.
func rewrite(ctx context.Context, o Options, topic string, records []*kgo.Record) error {
	if err := recreate(ctx, o, topic); err != nil {
		return fmt.Errorf("recreate topic %s: %w", topic, err)
	}
	if len(records) == 0 {
		return nil
	}
	fresh := make([]*kgo.Record, len(records))
	for i, r := range records {
		fresh[i] = &kgo.Record{Topic: topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
	}
	return produce(ctx, o, fresh)
}

func recreate(ctx context.Context, o Options, topic string) error {
	o.Kafka.Registerer = nil
	cl, err := o.Kafka.NewClient()
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	details, err := adm.ListTopics(ctx, topic)
	if err != nil {
		return err
	}
	if d := details[topic]; d.Err != nil || len(d.Partitions) == 0 {
		return fmt.Errorf("describe: %w", errors.Join(d.Err, errors.New("it has no partitions")))
	}
	settings, err := settingsOf(ctx, adm, topic)
	if err != nil {
		return err
	}
	if _, err := adm.DeleteTopic(ctx, topic); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return create(ctx, adm, topic, int32(len(details[topic].Partitions)), int16(details[topic].Partitions.NumReplicas()), settings)
}

// create tries again while the broker still knows the topic that was deleted.
func create(ctx context.Context, adm *kadm.Client, topic string, partitions int32, replicas int16, settings map[string]*string) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		_, err := adm.CreateTopic(ctx, partitions, replicas, settings, topic)
		if !errors.Is(err, kerr.TopicAlreadyExists) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until the old topic is gone: %w", context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// settingsOf gives the settings that were made for the topic itself.
func settingsOf(ctx context.Context, adm *kadm.Client, topic string) (map[string]*string, error) {
	configs, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := map[string]*string{}
	for _, resource := range configs {
		if resource.Err != nil {
			return nil, resource.Err
		}
		for _, c := range resource.Configs {
			if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
				out[c.Key] = c.Value
			}
		}
	}
	return out, nil
}
