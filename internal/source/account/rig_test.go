package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/source/account"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
	"github.com/planhat-bridge/planhat-bridge/test/rig/metric"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// rig is a source with one account, its simulated vendor, and a receiver of
// webhooks that does nothing but write them to their topic.
type rig struct {
	t     *testing.T
	sim   *pipedrivesim.Server
	cfg   config.Config
	kafka kafka.Options
	names kafka.Names
	reg   *prometheus.Registry
	times account.Times
	point func(string)
	now   func() time.Time

	url      string      // of the vendor
	refuse   atomic.Bool // webhooks are answered with 500
	withhold atomic.Bool // webhooks are answered, and not written
	bodies   chan []byte // of webhooks that were withheld
	producer *kgo.Client // of the receiver
	instead  atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	calls    atomic.Int64
}

const accountName = "demo"

// patience is for what takes a second or two, on a machine that is busy.
const patience = time.Minute

// nextSecond waits for another second of the vendor's stamps.
func nextSecond(t *testing.T) {
	t.Helper()
	now := time.Now().Truncate(time.Second)
	until(t, "another second", func() bool { return time.Since(now) > time.Second })
}

// newRig makes a rig. With -short, which the race detector's run uses, one test of
// four that need one is run.
func newRig(t *testing.T, sim pipedrivesim.Options, env map[string]string) *rig {
	t.Helper()
	if testing.Short() && crc32.ChecksumIEEE([]byte(t.Name()))%4 != 1 {
		t.Skip("one of four is run with -short")
	}
	sim.RequestsPerWindow, sim.DailyTokens = or(sim.RequestsPerWindow, -1), int64(or(int(sim.DailyTokens), -1))
	sim.Scale = 1000
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Companies: 1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r := &rig{t: t, sim: pipedrivesim.New(sim), bodies: make(chan []byte, 1000)}
	vendor := httptest.NewServer(http.HandlerFunc(r.vendor))
	receiver := httptest.NewServer(http.HandlerFunc(r.receive))
	t.Cleanup(func() { r.sim.Close(); vendor.Close(); receiver.Close() })
	r.url = vendor.URL
	vars := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": s.Broker, "SCHEMA_REGISTRY_URL": s.Registry, "TOPIC_REPLICATION_FACTOR": "1", "SHARD_SESSION_TIMEOUT": "10s", "CALL_DEADLINE": "2s",
		"PIPEDRIVE_ACCOUNTS": accountName, "PIPEDRIVE_TOKEN": pipedrivesim.DefaultToken, "PIPEDRIVE_BASE_URL": vendor.URL,
		"PIPEDRIVE_WEBHOOK_URL": receiver.URL, "PIPEDRIVE_WEBHOOK_USER": "bridge", "PIPEDRIVE_WEBHOOK_PASSWORD": "a-long-password-for-tests",
		"PIPEDRIVE_REQUESTS_PER_2S": "10000", "PIPEDRIVE_RECONCILE_INTERVAL": "24h", "PIPEDRIVE_SWEEP_INTERVAL": "24h",
	}
	maps.Copy(vars, env)
	r.cfg = settings.Config(t, vars)
	r.kafka = settings.Kafka(t, r.cfg)
	r.names = kafka.Names{Bridge: r.cfg.Bridge}
	r.times = account.Times{Linger: 20 * time.Millisecond, Again: 20 * time.Millisecond, Retry: 20 * time.Millisecond, Echo: 50 * time.Millisecond, Look: time.Second, Delivery: time.Nanosecond}
	if r.producer, err = r.kafka.NewClient(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.producer.Close)
	return r
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

func (r *rig) vendor(w http.ResponseWriter, req *http.Request) {
	r.calls.Add(1)
	if instead := r.instead.Load(); instead != nil && (*instead)(w, req) {
		return
	}
	r.sim.ServeHTTP(w, req)
}

// answer puts something between the source and the vendor; nil takes it away.
func (r *rig) answer(instead func(http.ResponseWriter, *http.Request) bool) {
	if instead == nil {
		r.instead.Store(nil)
		return
	}
	r.instead.Store(&instead)
}

func (r *rig) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	switch {
	case err != nil || r.refuse.Load():
		w.WriteHeader(http.StatusInternalServerError)
	case r.withhold.Load():
		r.bodies <- body
	default:
		if err := r.deliver(req.Context(), body); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
}

// deliver writes a webhook to its topic.
func (r *rig) deliver(ctx context.Context, body []byte) error {
	return r.producer.ProduceSync(ctx, &kgo.Record{Topic: r.names.Webhooks(accountName), Value: body}).FirstErr()
}

// post delivers webhooks, in their order.
func (r *rig) post(bodies ...[]byte) {
	r.t.Helper()
	for _, body := range bodies {
		if err := r.deliver(r.t.Context(), body); err != nil {
			r.t.Fatal(err)
		}
	}
}

// held is the next webhook that was withheld.
func (r *rig) held() []byte {
	r.t.Helper()
	select {
	case body := <-r.bodies:
		return body
	case <-time.After(time.Minute):
		r.t.Fatal("waited a minute for a webhook")
		return nil
	}
}

// start runs a source; stop drains it.
func (r *rig) start() (svc *source.Service, stop func()) {
	r.t.Helper()
	svc = r.prepare()
	return svc, background.Run(r.t, "source", svc.Run)
}

// startFrozen is start for a source that loses its shard while it is stopped: it may
// end as it likes.
func (r *rig) startFrozen() (svc *source.Service, stop func()) {
	r.t.Helper()
	svc = r.prepare()
	end := background.Start(r.t, svc.Run)
	return svc, func() { _ = end() }
}

// prepare makes a source and its topics.
func (r *rig) prepare() *source.Service {
	r.t.Helper()
	registry, err := kafka.NewRegistry(r.cfg.Registry)
	if err != nil {
		r.t.Fatal(err)
	}
	r.reg = prometheus.NewRegistry()
	svc := source.New(r.cfg, source.Deps{
		Kafka: r.kafka, Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry), Registerer: r.reg, Version: "test",
		AccountTimes: r.times, OnPoint: r.point, Now: r.now,
	})
	if err := svc.Prepare(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	return svc
}

// started is start, and waits until every object has been read once.
func (r *rig) started() (*source.Service, func()) {
	r.t.Helper()
	svc, stop := r.start()
	until(r.t, "the snapshot", func() bool { return snapshotDone(svc) })
	return svc, stop
}

func snapshotDone(svc *source.Service) bool {
	st := statusOf(svc)
	return st.Owned && len(st.Streams) > 0 && !slices.ContainsFunc(st.Streams, func(s account.StreamStatus) bool { return !s.SnapshotDone })
}

func statusOf(svc *source.Service) account.Status {
	st, _ := svc.Status().(source.Status)
	if len(st.Accounts) == 0 {
		return account.Status{}
	}
	return st.Accounts[0]
}

func streamOf(svc *source.Service, name string) account.StreamStatus {
	for _, s := range statusOf(svc).Streams {
		if s.Name == name {
			return s
		}
	}
	return account.StreamStatus{}
}

// until waits for a condition that the bridge brings about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	wait.Until(t, what, patience, ok)
}

// metric is the sum of a metric's series that have the labels.
func (r *rig) metric(name string, labels ...string) float64 {
	r.t.Helper()
	return metric.Sum(r.t, r.reg, "planhat_bridge_source_account_"+name, labels...)
}

// event is a change, or a tombstone, as a reader of committed records sees it.
type event struct {
	id string
	schemas.Envelope
	tombstone bool
	partition int32
}

func (e event) after(t *testing.T) map[string]any {
	t.Helper()
	return document(t, e.After)
}

func document(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

// events are all committed changes of an object.
func (r *rig) events(object string) (out []event) {
	r.t.Helper()
	codec, err := schemas.NewCodec("pipedrive", object)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, rec := range r.records(r.names.Changes("pipedrive", accountName, object)) {
		e := event{id: string(rec.Key), tombstone: rec.Value == nil, partition: rec.Partition}
		if !e.tombstone {
			if e.Envelope, err = codec.DecodeEnvelope(rec.Value); err != nil {
				r.t.Fatal(err)
			}
		}
		out = append(out, e)
	}
	return out
}

// records are all committed records of a topic.
func (r *rig) records(topic string) (out []*kgo.Record) {
	r.t.Helper()
	infos, err := kafka.DescribeTopics(r.t.Context(), r.producer, topic)
	if err != nil {
		r.t.Fatal(err)
	}
	for partition := range infos[topic].Partitions {
		err := kafka.ReadToStable(r.t.Context(), r.producer, topic, partition, 0, func(rec *kgo.Record) error {
			out = append(out, rec)
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	return out
}

// of are the events of one record.
func of(events []event, id int64) (out []event) {
	for _, e := range events {
		if e.id == fmt.Sprint(id) {
			out = append(out, e)
		}
	}
	return out
}

// ops spells the operations of events: "rcud", and "x" for a tombstone.
func ops(events []event) string {
	var out strings.Builder
	for _, e := range events {
		if e.tombstone {
			out.WriteString("x")
			continue
		}
		out.WriteString(e.Op)
	}
	return out.String()
}

// waitOps waits until the events of a record are these, and gives them.
func (r *rig) waitOps(object string, id int64, want string) []event {
	r.t.Helper()
	var last []event
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if last = of(r.events(object), id); ops(last) == want {
			return last
		}
		until(r.t, "a moment", pause())
	}
	r.t.Fatalf("the events of %s %d are %q, want %q", object, id, ops(last), want)
	return nil
}

// pause is true a little later.
func pause() func() bool {
	at := time.Now().Add(20 * time.Millisecond)
	return func() bool { return time.Now().After(at) }
}

var volatileOfNotes = []string{"user", "deal", "person", "organization", "project", "task"}

// wanted is what the topic of an object should say: every record that is there,
// without its nulls.
func (r *rig) wanted(object string) map[string]string {
	r.t.Helper()
	out := map[string]string{}
	for _, raw := range r.sim.State(object) {
		row := document(r.t, raw)
		if row["is_deleted"] == true || row["active_flag"] == false {
			continue
		}
		out[fmt.Sprint(int64(row["id"].(float64)))] = plain(r.t, object, row)
	}
	return out
}

// plain is a row without nulls and without what changes on its own.
func plain(t *testing.T, object string, row map[string]any) string {
	t.Helper()
	if object == "note" {
		for _, name := range volatileOfNotes {
			delete(row, name)
		}
	}
	maps.DeleteFunc(row, func(_ string, v any) bool { return v == nil })
	if custom, ok := row["custom_fields"].(map[string]any); ok {
		maps.DeleteFunc(custom, func(_ string, v any) bool { return v == nil })
	}
	text, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// folded is what the topic of an object says. On the way it checks what every
// reader may rely on.
func (r *rig) folded(object string) map[string]string {
	r.t.Helper()
	out, last := map[string]string{}, map[string]event{}
	sequence := map[int32]int64{}
	for _, e := range r.events(object) {
		before := last[e.id]
		last[e.id] = e
		if e.tombstone {
			if before.Op != "d" {
				r.t.Errorf("%s %s: a tombstone behind %q", object, e.id, before.Op)
			}
			delete(out, e.id)
			continue
		}
		if e.Source.Sequence <= sequence[e.partition] {
			r.t.Errorf("%s %s: sequence %d behind %d", object, e.id, e.Source.Sequence, sequence[e.partition])
		}
		sequence[e.partition] = e.Source.Sequence
		if e.Op == "d" || e.Op == "u" {
			if string(e.Before) != string(before.After) {
				r.t.Errorf("%s %s: before %s, the event before it had %s", object, e.id, e.Before, before.After)
			}
		}
		if e.Op == "d" {
			continue
		}
		row := e.after(r.t)
		if before.After != nil && fmt.Sprint(row["update_time"]) < fmt.Sprint(before.after(r.t)["update_time"]) {
			r.t.Errorf("%s %s: %v is older than %v", object, e.id, row["update_time"], before.after(r.t)["update_time"])
		}
		out[e.id] = plain(r.t, object, row)
	}
	return out
}

// judge waits until the topics say what the vendor has.
func (r *rig) judge() {
	r.t.Helper()
	for _, object := range config.AccountObjects() {
		var want, got map[string]string
		deadline := time.Now().Add(patience)
		for {
			want, got = r.wanted(object), r.folded(object)
			if maps.Equal(want, got) || r.t.Failed() || time.Now().After(deadline) {
				break
			}
			until(r.t, "a moment", pause())
		}
		for id := range want {
			if want[id] != got[id] {
				r.t.Errorf("%s %s\nwant %s\nhave %s", object, id, want[id], got[id])
			}
		}
		for id := range got {
			if want[id] == "" {
				r.t.Errorf("%s %s is on the topic and not at the vendor", object, id)
			}
		}
	}
}

// notes are the notifications of a kind.
func (r *rig) notes(kind schemas.NotificationKind) (out []schemas.Notification) {
	r.t.Helper()
	for _, rec := range r.records(r.names.Notifications()) {
		var n schemas.Notification
		if err := json.Unmarshal(rec.Value, &n); err != nil {
			r.t.Fatal(err)
		}
		if n.Kind == kind {
			out = append(out, n)
		}
	}
	return out
}

// signal sends a signal and gives its answer.
func (r *rig) signal(sig schemas.Signal) schemas.Notification {
	r.t.Helper()
	sig.ID, sig.Account = fmt.Sprint(time.Now().UnixNano()), accountName
	value, err := json.Marshal(sig)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.producer.ProduceSync(r.t.Context(), &kgo.Record{Topic: r.names.Signals(), Value: value}).FirstErr(); err != nil {
		r.t.Fatal(err)
	}
	var answer schemas.Notification
	until(r.t, "the answer to "+sig.Signal, func() bool {
		for _, kind := range []schemas.NotificationKind{schemas.NotifySignalDone, schemas.NotifySignalRefused} {
			for _, n := range r.notes(kind) {
				if n.ID == sig.ID {
					answer = n
				}
			}
		}
		return answer.ID != ""
	})
	return answer
}
