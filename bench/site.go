package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/metrics"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/programs"
)

// siteVar tells a child where the parts are.
const siteVar = "BENCH_SITE"

// site is where a program works: the addresses of the parent's parts.
type site struct {
	Env     map[string]string `json:"env"` // of a service
	Records int               `json:"records"`
}

func newSite(records int) (*site, func(), error) {
	s, err := stage.New(stage.Ports{}, planhatsim.Options{
		Seed: 1, Companies: records, EndusersPerCompany: -1, ConversationsPerCompany: -1, LicensesPerCompany: 1, CoreOnly: true,
		CallsPerMinute: -1, PerSecond: -1, InFlight: -1,
	}, false)
	if err != nil {
		return nil, nil, err
	}
	env := s.Env(0)
	env["PLANHAT_CALLS_PER_MINUTE"] = "1000000" // as good as none: the pace is not what is measured
	env["SINK_IN_FLIGHT"] = "50"
	env["INSTANCE_ID"] = "bench"
	if env[hookAddr], err = freeAddress(); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return &site{Env: env, Records: records}, func() { _ = s.Close() }, nil
}

// freeAddress is one that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (s *site) encode() (string, error) {
	text, err := json.Marshal(s)
	return string(text), err
}

func decodeSite(text string) (*site, error) {
	var s site
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("read %s: %w", siteVar, err)
	}
	return &s, nil
}

// config is a service's configuration with some variables set otherwise.
func (s *site) config(vars ...string) (config.Config, error) {
	var environ []string
	for k, v := range s.Env {
		environ = append(environ, k+"="+v)
	}
	return config.Load(append(environ, vars...), service.Objects())
}

func (s *site) kafka() (kafka.Options, error) {
	cfg, err := s.config()
	if err != nil {
		return kafka.Options{}, err
	}
	return kafka.FromConfig(cfg.Kafka)
}

// client makes topics, and a client for them.
func (s *site) client(topics []kafka.TopicSpec, opts ...kgo.Opt) (*kgo.Client, error) {
	o, err := s.kafka()
	if err != nil {
		return nil, err
	}
	client, err := o.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	for _, topic := range topics {
		if err := kafka.EnsureTopics(context.Background(), client, []kafka.TopicSpec{topic}, true); err != nil {
			client.Close()
			return nil, err
		}
	}
	return client, nil
}

func (s *site) names() kafka.Names { return kafka.Names{Bridge: "planhat-bridge"} }

// meter measures a stretch of work of this process.
type meter struct {
	cpu, gc time.Duration
	allocs  uint64
	started time.Time
}

func startMeter() meter {
	allocs, gc := heapWork()
	return meter{cpu: cpuTime(), gc: gc, allocs: allocs, started: time.Now()}
}

func (m meter) stop(records int) usage {
	u := usage{Records: records, CPU: cpuTime() - m.cpu, Wall: time.Since(m.started)}
	u.RSS, _ = programs.PeakMemory(os.Getpid()) // 0 where the system does not tell
	allocs, gc := heapWork()
	u.Allocs, u.GC = allocs-m.allocs, gc-m.gc
	return u
}

// heapWork is how many objects were allocated so far, and what collecting them took
// up to the last collection, without what idle processors did of it.
func heapWork() (allocs uint64, gc time.Duration) {
	samples := []metrics.Sample{
		{Name: "/gc/heap/allocs:objects"}, {Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/gc/mark/idle:cpu-seconds"},
	}
	metrics.Read(samples)
	seconds := samples[1].Value.Float64() - samples[2].Value.Float64()
	return samples[0].Value.Uint64(), time.Duration(seconds * float64(time.Second))
}

func cpuTime() time.Duration {
	r := rusage()
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func rusage() syscall.Rusage {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails only for bad arguments
	return r
}
