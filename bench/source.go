package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/cespare/xxhash/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// sweeps is how many sweeps of an unchanged listing are measured.
const sweeps = 5

// page asks for a page as plainly as Go can and takes it apart.
func (s *site) page(path string, offset, limit int) ([]json.RawMessage, error) {
	req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/%s?limit=%d&offset=%d&sort=_id", s.Env["PLANHAT_BASE_URL"], path, limit, offset), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Env["PLANHAT_TOKEN"])
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var rows []json.RawMessage
	err = json.NewDecoder(res.Body).Decode(&rows)
	return rows, err
}

// floorSnapshot: page -> Avro -> Kafka.
func floorSnapshot(s *site) (usage, error) {
	client, err := s.client([]kafka.TopicSpec{floorTopic})
	if err != nil {
		return usage{}, err
	}
	defer client.Close()
	codec, err := schemas.NewCodec("planhat", "company")
	if err != nil {
		return usage{}, err
	}
	m, n := startMeter(), 0
	var failed error
	for offset := 0; ; offset += 5000 {
		rows, err := s.page("companies", offset, 5000)
		if err != nil {
			return usage{}, err
		}
		for _, row := range rows {
			value, err := codec.AppendEnvelope(nil, 1, &schemas.Envelope{After: row, Op: "r"})
			if err != nil {
				return usage{}, err
			}
			var id struct {
				ID string `json:"_id"`
			}
			if err := json.Unmarshal(row, &id); err != nil {
				return usage{}, err
			}
			client.Produce(context.Background(), &kgo.Record{Topic: floorTopic.Name, Key: []byte(id.ID), Value: value}, func(_ *kgo.Record, err error) {
				if err != nil {
					failed = err
				}
			})
		}
		n += len(rows)
		if len(rows) < 5000 {
			break
		}
	}
	if err := client.Flush(context.Background()); err != nil {
		return usage{}, err
	}
	return m.stop(n), failed
}

// floorUnchanged: page -> hash -> compare.
func floorUnchanged(s *site) (usage, error) {
	known := map[int]uint64{}
	var m meter
	n := 0
	for sweep := range sweeps + 1 {
		if sweep == 1 {
			m, n = startMeter(), 0
		}
		for offset := 0; ; offset += 2000 {
			rows, err := s.page("licenses", offset, 2000)
			if err != nil {
				return usage{}, err
			}
			for i, row := range rows {
				if hash := xxhash.Sum64(row); known[offset+i] != hash {
					known[offset+i] = hash
				}
			}
			n += len(rows)
			if len(rows) < 2000 {
				break
			}
		}
	}
	return m.stop(n).per(sweeps), nil
}

// per divides what was measured several times.
func (u usage) per(n int) usage {
	u.Records, u.CPU, u.Wall = u.Records/n, u.CPU/time.Duration(n), u.Wall/time.Duration(n)
	u.Allocs, u.GC = u.Allocs/uint64(n), u.GC/time.Duration(n)
	return u
}

// lookEvery is how often the state of a stream is looked at: that is work, too, and
// is measured with the rest. A snapshot is over at once, sweeps pause for a second.
const lookEvery = 5 * time.Millisecond

func productSnapshot(s *site) (usage, error) {
	return s.capture("company", "PLANHAT_FRESHNESS=*:15m", func(m meter, look func() source.StreamStatus) (usage, error) {
		for !look().SnapshotDone {
			time.Sleep(lookEvery) //nolint:forbidigo // the work is another goroutine's
		}
		return m.stop(look().Records), nil
	})
}

func productUnchanged(s *site) (usage, error) {
	return s.capture("license", "PLANHAT_FRESHNESS=*:1s", func(_ meter, look func() source.StreamStatus) (usage, error) {
		var m meter
		done, last := -2, time.Time{} // the snapshot and the sweep that learns the bytes do not count
		for done < sweeps {
			if seen := look(); seen.SnapshotDone && seen.LastScan.After(last) {
				if last, done = seen.LastScan, done+1; done == 0 {
					m = startMeter()
				}
			}
			time.Sleep(4 * lookEvery) //nolint:forbidigo // the work is another goroutine's
		}
		return m.stop(look().Records * sweeps).per(sweeps), nil
	})
}

// capture runs a source for one object and lets measure look at its stream.
func (s *site) capture(object, freshness string, measure func(meter, func() source.StreamStatus) (usage, error)) (usage, error) {
	p, err := s.product("PLANHAT_OBJECTS="+object, freshness)
	if err != nil {
		return usage{}, err
	}
	svc := source.New(p.config, source.Deps{
		Kafka: p.kafka, Registrar: p.registrar, Resolver: p.resolver, Registerer: prometheus.NewRegistry(), Version: "bench",
	})
	return during(svc, func(m meter) (usage, error) {
		return measure(m, func() source.StreamStatus {
			status, _ := svc.Status().(source.Status)
			for _, w := range status.Workspaces {
				for _, st := range w.Streams {
					return st
				}
			}
			return source.StreamStatus{}
		})
	})
}
