package pipedrive

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/oracle"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	api "github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/bubble"
	"github.com/planhat-bridge/planhat-bridge/test/rig/verdict"
	"github.com/planhat-bridge/planhat-bridge/test/rig/virtual"
)

// calendar is a source between a broker and a vendor in a bubble of virtual time: days
// pass in seconds.
type calendar struct {
	*virtual.Source
	t    *testing.T
	sim  *pipedrivesim.Server
	line bubble.Line
	mail *mailbox
}

// inBubble runs a story once the account has been read and its webhooks are registered.
func inBubble(t *testing.T, sim pipedrivesim.Options, env map[string]string, story func(*calendar)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		vars := map[string]string{
			"SOURCE_COMPONENTS": config.Poller, "PIPEDRIVE_ACCOUNTS": stage.Account, "PIPEDRIVE_TOKEN": pipedrivesim.DefaultToken,
			"PIPEDRIVE_BASE_URL": "http://pipedrive.example", "PIPEDRIVE_WEBHOOK_URL": "https://bridge.example/pipedrive/demo",
			"PIPEDRIVE_WEBHOOK_USER": "u", "PIPEDRIVE_WEBHOOK_PASSWORD": "secret-of-webhooks", "PIPEDRIVE_DELETE_GUARD": "off",
		}
		maps.Copy(vars, env)
		c := &calendar{Source: virtual.NewSource(t, vars), t: t}
		c.mail = c.newMailbox()
		defer c.mail.client.Close()
		sim.Transport = bubble.Handled{Handler: c.mail}
		c.sim = pipedrivesim.New(sim)
		defer c.sim.Close()
		c.line.Handler, c.line.Took = c.sim, 100*time.Millisecond
		defer c.Start(&c.line)()
		c.await("the snapshot and the webhooks", time.Hour, func() bool { return c.status().State == "ok" && c.hooks() == len(config.AccountObjects()) && c.read() })
		story(c)
		if t.Failed() {
			t.Logf("the source said:\n%s", &c.Log)
		}
	})
}

func (c *calendar) status() account.Status {
	st, _ := c.Service.Status().(source.Status)
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
			c.t.Fatalf("waited %s for %s; status: %s\n%s", most, what, text, &c.Log)
		}
	}
}

// judge lets the oracle decide, after a while in which the source catches up.
func (c *calendar) judge(after time.Duration) oracle.Report {
	c.t.Helper()
	<-time.After(after)
	return verdict.Of(c.t, oracle.Options{
		Kafka: c.Kafka(), Names: c.Names, Vendor: oracle.Pipedrive, Workspace: stage.Account, SimulatorURL: "http://pipedrive.example",
		Objects: config.AccountObjects(), Settle: time.Minute, HTTP: &http.Client{Transport: bubble.Handled{Handler: c.sim}},
	})
}

// told are the notifications of a kind so far.
func (c *calendar) told(kind schemas.NotificationKind) (n int) {
	c.t.Helper()
	client, err := c.Kafka().NewClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		c.t.Fatal(err)
	}
	defer client.Close()
	err = kafka.ReadToStable(c.t.Context(), client, c.Names.Notifications(), 0, 0, func(r *kgo.Record) error {
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
	client, err := c.Kafka().NewClient()
	if err != nil {
		c.t.Fatal(err)
	}
	topic := c.Names.WebhookTopic(stage.Account, kafka.Layout{Partitions: 3, ReplicationFactor: 1})
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
func of(calls []bubble.Call, suffix string) (n int) {
	for _, c := range calls {
		if strings.HasSuffix(c.Path, suffix) {
			n++
		}
	}
	return n
}
