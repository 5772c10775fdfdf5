package webhook

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user     = "pipedrive-user"
	password = "first-passw0rd"
	former   = "second-passw0rd"
	deal     = `{"meta":{"action":"change","entity":"deal","entity_id":"42","id":"3f0c5c1e-0000-4000-8000-000000000001","version":"2.0"},"data":{"id":42,"title":"hush-hush"},"previous":{"title":"x"}}`
	patience = 15 * time.Second
	prompt   = 5 * time.Second // for what comes at once, on a machine that has much else to do
)

// intake is a running Service before an embedded broker.
type intake struct {
	t *testing.T
	*Service
	url     string
	broker  *kfake.Cluster
	wire    *wire.Wire
	options kafka.Options
	log     *logbook.Book
	metrics *prometheus.Registry
	client  *http.Client
	stop    context.CancelFunc
	ended   chan error
}

// start runs an intake for the accounts acme and beta with some limits of its
// own; vars are added to its environment.
func start(t *testing.T, limits Limits, vars ...string) *intake {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	cfg, err := config.Load(append([]string{
		"SOURCE_COMPONENTS=webhook", "WEBHOOK_ADDR=127.0.0.1:0", "TOPIC_REPLICATION_FACTOR=1", "PIPEDRIVE_ACCOUNTS=acme,beta,quiet",
		"PIPEDRIVE_ACME_WEBHOOK_USER=" + user, "PIPEDRIVE_ACME_WEBHOOK_PASSWORD=" + password, "PIPEDRIVE_ACME_WEBHOOK_PASSWORD_PREVIOUS=" + former,
		"PIPEDRIVE_BETA_WEBHOOK_USER=beta", "PIPEDRIVE_BETA_WEBHOOK_PASSWORD=beta-passw0rd",
	}, vars...), nil)
	if err != nil {
		t.Fatal(err)
	}
	i := &intake{t: t, broker: broker, wire: &wire.Wire{}, log: &logbook.Book{}, metrics: prometheus.NewRegistry(), ended: make(chan error, 1)}
	i.options = kafka.Options{Brokers: broker.ListenAddrs()}
	deps := Deps{Kafka: i.options, Registerer: i.metrics, Log: slog.New(slog.NewTextHandler(i.log, nil)), Limits: limits}
	deps.Kafka.Extra = []kgo.Opt{kgo.Dialer(i.wire.Dial), kgo.RetryBackoffFn(func(int) time.Duration { return 10 * time.Millisecond })}
	i.Service = New(cfg, deps)
	if err := i.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	i.client = &http.Client{Transport: transport, Timeout: prompt}
	var ctx context.Context
	ctx, i.stop = context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { i.ended <- i.Run(ctx) }()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		i.stop()
		if err := <-i.ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-i.listening:
		i.url = "http://" + i.Addr(t.Context())
	case err := <-i.ended:
		i.ended <- nil
		t.Fatal(err)
	}
	return i
}

// request is a webhook that is changed before it is sent.
func (i *intake) request(body io.Reader, change ...func(*http.Request)) *http.Request {
	i.t.Helper()
	r, err := http.NewRequestWithContext(i.t.Context(), http.MethodPost, i.url+"/pipedrive/acme", body)
	if err != nil {
		i.t.Fatal(err)
	}
	r.SetBasicAuth(user, password)
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	return r
}

// send gives the status and the answer's header; 0: there was no answer.
func (i *intake) send(body string, change ...func(*http.Request)) (int, http.Header) {
	i.t.Helper()
	resp, err := i.client.Do(i.request(strings.NewReader(body), change...))
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header
}

// topic is all that was written for an account.
func (i *intake) topic(account string) []*kgo.Record {
	i.t.Helper()
	o := i.options
	records, err := readAll(i.t.Context(), o, i.names.Webhooks(account))
	if err != nil {
		i.t.Fatal(err)
	}
	return records
}

// readAll reads a topic from its start to its end.
func readAll(ctx context.Context, o kafka.Options, topic string) ([]*kgo.Record, error) {
	client, err := o.NewClient(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := ends(ctx, client, topic)
	if err != nil {
		return nil, err
	}
	var out []*kgo.Record
	for n := int64(0); n < ends; {
		fetched := client.PollFetches(ctx)
		if err := fetched.Err0(); err != nil {
			return nil, err
		}
		out = append(out, fetched.Records()...)
		n = int64(len(out))
	}
	return out, nil
}

// eventually waits for a condition.
func (i *intake) eventually(what string, is func() bool) {
	i.t.Helper()
	wait.Until(i.t, what, patience, is)
}

// value is the sum of a metric over its labels.
func (i *intake) value(name string) float64 {
	i.t.Helper()
	return metric.Sum(i.t, i.metrics, name)
}

// dial opens a connection of its own.
func (i *intake) dial() net.Conn {
	i.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(i.url, "http://"))
	if err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(prompt))
	return c
}

// head is a request as bytes, without its body.
func head(length int) string {
	return fmt.Sprintf("POST /pipedrive/acme HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		basic(user, password), length)
}
