package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
)

// floorTopic is where the floor writes.
var floorTopic = kafka.TopicSpec{Name: "floor", Partitions: 3, ReplicationFactor: 1}

// floor is a bare program: franz-go, encoding/json, net/http, nothing of the product.
type floor struct {
	site   *site
	client *kgo.Client
	topic  string // of results; "": nobody is answered
	mu     sync.Mutex
	failed error
}

// result is the least that tells somebody that their command was carried out.
type result struct {
	CommandID string `json:"commandId"`
	Status    string `json:"status"`
	RecordID  string `json:"recordId"`
}

func newFloor(s *site, answers bool) (*floor, error) {
	f := &floor{site: s}
	var topics []kafka.TopicSpec
	if answers {
		f.topic, topics = floorTopic.Name, []kafka.TopicSpec{floorTopic}
	}
	var err error
	f.client, err = s.client(topics, kgo.ConsumeTopics(s.names().Commands("planhat", stage.Workspace)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()))
	return f, err
}

// fail keeps the first error.
func (f *floor) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed == nil {
		f.failed = err
	}
}

// consume reads all commands and hands each to do, in order.
func (f *floor) consume(do func(command) error) error {
	for n := 0; n < f.site.Records; {
		for iter := f.client.PollFetches(context.Background()).RecordIter(); !iter.Done(); n++ {
			var c command
			if err := json.Unmarshal(iter.Next().Value, &c); err != nil {
				return err
			}
			if err := do(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer writes a result: not in a transaction, and without a position beside it.
func (f *floor) answer(id, recordID string) {
	if f.topic == "" {
		return
	}
	value, err := json.Marshal(result{id, "OK", recordID})
	if err != nil {
		f.fail(err)
		return
	}
	f.client.Produce(context.Background(), &kgo.Record{Topic: f.topic, Key: []byte(id), Value: value}, func(_ *kgo.Record, err error) {
		if err != nil {
			f.fail(err)
		}
	})
}

// end waits for the results.
func (f *floor) end(m meter, n int, err error) (usage, error) {
	defer f.client.Close()
	if flushed := f.client.Flush(context.Background()); flushed != nil {
		f.fail(flushed)
	}
	u := m.stop(n)
	if err == nil {
		err = f.failed
	}
	return u, err
}

// floorBulk: commands -> bulk PUT.
func floorBulk(answers bool) program {
	return func(s *site) (usage, error) {
		m, n := startMeter(), 0
		f, err := newFloor(s, answers)
		if err != nil {
			return usage{}, err
		}
		items, ids := make([]map[string]any, 0, 5000), make([]string, 0, 5000)
		err = f.consume(func(c command) error {
			c.Fields["externalId"] = c.Target["externalId"]
			items, ids = append(items, c.Fields), append(ids, c.ID)
			if n++; len(items) < cap(items) && n < s.Records {
				return nil
			}
			defer func() { items, ids = items[:0], ids[:0] }()
			body, err := json.Marshal(items)
			if err != nil {
				return err
			}
			return f.bulk(body, ids)
		})
		return f.end(m, n, err)
	}
}

// bulk sends items. With results to write, the answer has to be looked at: the ids of
// the records, if all are there.
func (f *floor) bulk(body []byte, ids []string) error {
	if f.topic == "" {
		return f.site.put("/companies", body)
	}
	var answer struct {
		InsertsKeys []struct {
			ID string `json:"_id"`
		} `json:"insertsKeys"`
	}
	err := f.site.call(http.MethodPut, "/companies", body, func(r io.Reader) error { return json.NewDecoder(r).Decode(&answer) })
	if err != nil {
		return err
	}
	if len(answer.InsertsKeys) != len(ids) {
		return fmt.Errorf("%d of %d items were inserted", len(answer.InsertsKeys), len(ids))
	}
	for n, id := range ids {
		f.answer(id, answer.InsertsKeys[n].ID)
	}
	return nil
}

// floorSingle: commands -> single PUT, as many at once as the product makes.
func floorSingle(answers bool) program {
	return func(s *site) (usage, error) {
		http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 50 //nolint:forcetypeassert // of the standard library
		m, n := startMeter(), 0
		f, err := newFloor(s, answers)
		if err != nil {
			return usage{}, err
		}
		var wg sync.WaitGroup
		slots := make(chan struct{}, 50)
		err = f.consume(func(c command) error {
			n++
			body, err := json.Marshal(c.Fields)
			if err != nil {
				return err
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				f.single(c, body)
			})
			return nil
		})
		wg.Wait()
		return f.end(m, n, err)
	}
}

// single updates one record.
func (f *floor) single(c command, body []byte) {
	path := "/companies/extid-" + c.Target["externalId"]
	if f.topic == "" {
		if err := f.site.put(path, body); err != nil {
			f.fail(err)
		}
		return
	}
	var record struct {
		ID string `json:"_id"`
	}
	if err := f.site.call(http.MethodPut, path, body, func(r io.Reader) error { return json.NewDecoder(r).Decode(&record) }); err != nil {
		f.fail(err)
		return
	}
	f.answer(c.ID, record.ID)
}
