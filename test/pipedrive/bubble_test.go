package pipedrive

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	api "github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
)

// calendar is a source between a broker and a vendor in a bubble of virtual time: days
// pass in seconds.
type calendar struct {
	t      *testing.T
	net    kfake.VirtualNetwork
	broker *kfake.Cluster
	sim    *pipedrivesim.Server
	cfg    config.Config
	names  kafka.Names
	reg    *prometheus.Registry
	logs   *bubble.Logbook
	svc    *source.Service
	mail   *mailbox

	mu    sync.Mutex
	calls []call
}

// call is one that the vendor was asked.
type call struct {
	at   time.Time
	path string
}

// inBubble runs a story once the account has been read and its webhooks are registered.
func inBubble(t *testing.T, sim pipedrivesim.Options, env map[string]string, story func(*calendar)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &calendar{t: t, logs: &bubble.Logbook{}}
		var err error
		c.broker, err = kfake.NewCluster(
			kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(c.net.Listen), kfake.GroupMinSessionTimeout(time.Second),
			kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0", "log.cleaner.backoff.ms": "3600000000"}), // it would compact what is younger than topics allow
		)
		if err != nil {
			t.Fatal(err)
		}
		defer c.broker.Close()
		c.configure(env)
		c.mail = c.newMailbox()
		defer c.mail.client.Close()
		sim.Transport = bubble.Handled{Handler: c.mail}
		c.sim = pipedrivesim.New(sim)
		defer c.sim.Close()
		defer c.start()()
		c.await("the snapshot and the webhooks", time.Hour, func() bool { return c.status().State == "ok" && c.hooks() == len(config.AccountObjects()) && c.read() })
		story(c)
		if t.Failed() {
			t.Logf("the source said:\n%s", c.logs)
		}
	})
}

func (c *calendar) configure(env map[string]string) {
	c.t.Helper()
	vars := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": c.broker.ListenAddrs()[0], "SCHEMA_REGISTRY_URL": "http://registry.example", "TOPIC_REPLICATION_FACTOR": "1",
		"SOURCE_COMPONENTS": config.Poller, "PIPEDRIVE_ACCOUNTS": stage.Account, "PIPEDRIVE_TOKEN": pipedrivesim.DefaultToken,
		"PIPEDRIVE_BASE_URL": "http://pipedrive.example", "PIPEDRIVE_WEBHOOK_URL": "https://bridge.example/pipedrive/demo",
		"PIPEDRIVE_WEBHOOK_USER": "u", "PIPEDRIVE_WEBHOOK_PASSWORD": "secret-of-webhooks", "PIPEDRIVE_DELETE_GUARD": "off",
	}
	maps.Copy(vars, env)
	var environ []string
	for name, value := range vars {
		environ = append(environ, name+"="+value)
	}
	var err error
	if c.cfg, err = config.Load(environ, service.Objects()); err != nil {
		c.t.Fatal(err)
	}
	c.names = kafka.Names{Bridge: c.cfg.Bridge}
}

func (c *calendar) kafka() kafka.Options {
	return kafka.Options{Brokers: c.cfg.Kafka.Brokers, Extra: []kgo.Opt{kgo.Dialer(c.net.DialContext)}}
}

// RoundTrip implements http.RoundTripper: the way of the source to the vendor.
func (c *calendar) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.calls = append(c.calls, call{time.Now(), r.URL.Path})
	c.mu.Unlock()
	select {
	case <-time.After(100 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	return bubble.Handled{Handler: c.sim}.RoundTrip(r)
}

// start runs the source and gives the means to stop it.
func (c *calendar) start() (stop func()) {
	c.t.Helper()
	registry, err := sr.NewClient(sr.URLs("http://registry.example"), sr.HTTPClient(&http.Client{Transport: bubble.Handled{Handler: srfake.NewRegistry().Handler()}}))
	if err != nil {
		c.t.Fatal(err)
	}
	c.reg = prometheus.NewRegistry()
	c.svc = source.New(c.cfg, source.Deps{
		Kafka: c.kafka(), Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry), Registerer: c.reg,
		Log: slog.New(slog.NewJSONHandler(c.logs, nil)), Version: "test", HTTP: &http.Client{Transport: c},
	})
	if err := c.svc.Prepare(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.svc.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Errorf("source: %v", err)
		}
	}
}

func (c *calendar) status() account.Status {
	st, _ := c.svc.Status().(source.Status)
	return st.Accounts[0]
}

// read tells whether every object has been read.
func (c *calendar) read() bool {
	st := c.status()
	for _, s := range st.Streams {
		if !s.SnapshotDone {
			return false
		}
	}
	return len(st.Streams) > 0
}

// hooks counts the webhooks that are live.
func (c *calendar) hooks() (n int) {
	for _, h := range c.sim.Hooks() {
		if h.Active {
			n++
		}
	}
	return n
}

// await waits for a condition, looking at it every so often: a thousand times at most.
func (c *calendar) await(what string, most time.Duration, ok func() bool) {
	c.t.Helper()
	for begin := time.Now(); !ok(); <-time.After(most / 1000) {
		if time.Since(begin) > most {
			text, _ := json.Marshal(c.status())
			c.t.Fatalf("waited %s for %s; status: %s\n%s", most, what, text, c.logs)
		}
	}
}

// asked are the calls since a moment.
func (c *calendar) asked(since time.Time) (out []call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range c.calls {
		if !k.at.Before(since) {
			out = append(out, k)
		}
	}
	return out
}

// judge lets the oracle decide, after a while in which the source catches up.
func (c *calendar) judge(after time.Duration) oracle.Report {
	c.t.Helper()
	<-time.After(after)
	report, err := oracle.Check(c.t.Context(), oracle.Options{
		Kafka: c.kafka(), Names: c.names, Vendor: oracle.Pipedrive, Workspace: stage.Account, SimulatorURL: "http://pipedrive.example",
		Objects: config.AccountObjects(), Settle: time.Minute, HTTP: &http.Client{Transport: bubble.Handled{Handler: c.sim}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range report.Mismatches {
		c.t.Errorf("oracle: %s", m)
	}
	return report
}

// told are the notifications of a kind so far.
func (c *calendar) told(kind schemas.NotificationKind) (n int) {
	c.t.Helper()
	client, err := c.kafka().NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	err = kafka.ReadToStable(c.t.Context(), client, c.names.Notifications(), 0, 0, func(r *kgo.Record) error {
		var note schemas.Notification
		if err := json.Unmarshal(r.Value, &note); err != nil {
			return err
		}
		if note.Kind == kind && note.Account == stage.Account {
			n++
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return n
}

// mailbox stands for the intake: it writes a body to the topic, then answers.
type mailbox struct {
	client *kgo.Client
	topic  string

	mu   sync.Mutex
	down bool
}

func (c *calendar) newMailbox() *mailbox {
	c.t.Helper()
	client, err := c.kafka().NewClient()
	if err != nil {
		c.t.Fatal(err)
	}
	topic := c.names.WebhookTopic(stage.Account, kafka.Layout{Partitions: 3, ReplicationFactor: 1})
	if err := kafka.EnsureTopics(c.t.Context(), client, []kafka.TopicSpec{topic}, true); err != nil {
		c.t.Fatal(err)
	}
	return &mailbox{client: client, topic: topic.Name}
}

// ServeHTTP implements http.Handler.
func (m *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	down := m.down
	m.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if down || err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	event, err := api.ParseEvent(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	rec := &kgo.Record{Topic: m.topic, Key: []byte(event.Entity + "/" + event.EntityID), Value: body}
	if err := m.client.ProduceSync(r.Context(), rec).FirstErr(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (m *mailbox) turn(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// of keeps the calls whose path has an end.
func of(calls []call, suffix string) (n int) {
	for _, c := range calls {
		if strings.HasSuffix(c.path, suffix) {
			n++
		}
	}
	return n
}
