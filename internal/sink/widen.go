package sink

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// widenEvery is how often it is asked whether the commands topic has more partitions.
const widenEvery = 5 * time.Second

// widen reads the partitions that the topic gains while it is read, from their
// beginnings, until it is told to stop. Their positions come with their commands; a
// topic that has fewer is another one, which reading shows.
func (r *reader) widen(ctx context.Context, known int32) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		admin := kadm.NewClient(r.client)
		for sleep(ctx, widenEvery) == nil {
			topics, err := admin.ListTopics(ctx, r.topic)
			if err != nil || topics[r.topic].Err != nil {
				continue // reading shows what is wrong
			}
			now := int32(len(topics[r.topic].Partitions))
			added := map[int32]kgo.Offset{}
			for ; known < now; known++ {
				added[known] = kgo.NewOffset().AtStart()
			}
			if len(added) == 0 {
				continue
			}
			r.log.Info("the commands topic has more partitions", "topic", r.topic, "partitions", now)
			r.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{r.topic: added})
		}
	}()
	return func() { cancel(); <-done }
}
