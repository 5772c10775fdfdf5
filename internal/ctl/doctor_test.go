package ctl

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// clinic is what a deployment needs, for a doctor to look at.
type clinic struct {
	t        *testing.T
	env      map[string]string
	names    map[string]string // addresses to be shown by name
	registry *srfake.Registry
	sim      *planhatsim.Server
	cluster  *kfake.Cluster
}

const (
	adminPassword  = "admin-secret"
	bridgePassword = "bridge-secret"
)

// newClinic has a broker that knows rights: of a user "bridge" with acls, and
// of a superuser.
func newClinic(t *testing.T, o planhatsim.Options, acls ...kfake.ACL) *clinic {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "admin", adminPassword), kfake.User("PLAIN", "bridge", bridgePassword, acls...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	c := &clinic{t: t, registry: srfake.New(), cluster: cluster}
	t.Cleanup(c.registry.Close)
	var url string
	c.sim, url = tenant(t, o)
	broker := strings.Join(cluster.ListenAddrs(), ",")
	c.env = map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": broker, "SCHEMA_REGISTRY_URL": c.registry.URL(), "TOPIC_REPLICATION_FACTOR": "1",
		"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "admin", "KAFKA_SASL_PASSWORD": adminPassword,
		"PLANHAT_WORKSPACES": "acme", "PLANHAT_ACME_TOKEN": planhatsim.DefaultToken, "PLANHAT_ACME_BASE_URL": url,
	}
	c.names = map[string]string{broker: "BROKER", c.registry.URL(): "REGISTRY", url: "PLANHAT"}
	return c
}

// prepare makes topics and schemas as the services do at their start.
func (c *clinic) prepare() {
	c.t.Helper()
	cfg := loadEnv(c.t, c.env)
	options, err := kafka.FromConfig(cfg.Kafka)
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := kafka.NewRegistry(cfg.Registry)
	if err != nil {
		c.t.Fatal(err)
	}
	registrar := schemas.NewRegistrar(client, true)
	so := source.New(cfg, source.Deps{Kafka: options, Registrar: registrar, Registerer: prometheus.NewRegistry()})
	si := sink.New(cfg, sink.Deps{Kafka: options, Registrar: registrar, Registerer: prometheus.NewRegistry()})
	for _, prepare := range []func(context.Context) error{so.Prepare, si.Prepare} {
		if err := prepare(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *clinic) run(args ...string) string {
	c.t.Helper()
	got := command(c.t, c.env, c.names, append([]string{"doctor"}, args...)...)
	for _, secret := range []string{adminPassword, bridgePassword, planhatsim.DefaultToken, "hush"} {
		if strings.Contains(got, secret) {
			c.t.Errorf("%q is shown in\n%s", secret, got)
		}
	}
	return got
}

func (c *clinic) set(pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		c.env[pairs[i]] = pairs[i+1]
	}
}

// admin changes topics behind the bridge's back.
func (c *clinic) admin() *kadm.Client {
	c.t.Helper()
	options, err := kafka.FromConfig(loadEnv(c.t, map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS": c.env["KAFKA_BOOTSTRAP_SERVERS"], "PLANHAT_TOKEN": "x",
		"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "admin", "KAFKA_SASL_PASSWORD": adminPassword,
	}).Kafka)
	if err != nil {
		c.t.Fatal(err)
	}
	cl, err := options.NewClient()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// adminServer is the admin endpoint of a service that runs.
func (c *clinic) adminServer(name, ready, status string) string {
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !strings.Contains(ready, "kafka: ok") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = w.Write([]byte(ready))
	})
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(status)) })
	web := httptest.NewServer(mux)
	c.t.Cleanup(web.Close)
	c.names[web.URL] = name
	return web.URL
}

func TestDoctorOfAHealthySandbox(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: 2})
	c.prepare()
	so := c.adminServer("SOURCE", "kafka: ok\nschema registry: ok\n", `{"build":{},"source":{"workspaces":[{"name":"acme","state":"ok","streams":[{"name":"companies","state":"ok"}]}]}}`)
	si := c.adminServer("SINK", "kafka: ok\nschema registry: ok\n", `{"sink":{"workspaces":[{"name":"acme","owned":false}]}}`)
	args := []string{"--source-url", so, "--sink-url", si + "/"}
	golden(t, "doctor_healthy", c.run(args...)+c.run(append(args, "-o", "json")...)+c.run("--role", "sink"))
}

// Nothing is written: what the cluster and the registry hold is the same after
// the doctor has been there.
func TestDoctorWritesNothing(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: 1})
	got := c.run()
	if !strings.Contains(got, "the cluster would create what is missing") || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
	adm := c.admin()
	topics, err := adm.ListTopics(t.Context())
	if err != nil || len(topics) != 0 {
		t.Errorf("topics %v, %v", topics.Names(), err)
	}
	groups, err := adm.ListGroups(t.Context())
	if err != nil || len(groups) != 0 {
		t.Errorf("groups %v, %v", groups, err)
	}
	ids, err := adm.ListTransactions(t.Context(), nil, nil)
	if err != nil || len(ids) != 0 {
		t.Errorf("transactional ids %v, %v", ids, err)
	}
	client, err := sr.NewClient(sr.URLs(c.registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	if subjects, err := client.Subjects(t.Context()); err != nil || len(subjects) != 0 {
		t.Errorf("subjects %v, %v", subjects, err)
	}
	calls, _ := c.sim.Calls()
	for _, call := range calls {
		if call.Method != http.MethodGet {
			t.Errorf("%s %s", call.Method, call.Path)
		}
	}
	if want := len(listingNames()); len(calls) != want || !strings.Contains(got, "acme spent: "+strconv.Itoa(want)+" API calls") {
		t.Errorf("%d calls, want %d:\n%s", len(calls), want, got)
	}
}

func listingNames() []string {
	names := map[string]bool{}
	for _, spec := range planhat.Objects() {
		names[spec.Listing] = true
	}
	return slices.Sorted(maps.Keys(names))
}

func may(resource kmsg.ACLResourceType, name string, op kmsg.ACLOperation) kfake.ACL {
	pattern := kmsg.ACLResourcePatternTypeLiteral
	if before, ok := strings.CutSuffix(name, "*"); ok {
		name, pattern = before, kmsg.ACLResourcePatternTypePrefixed
	}
	return kfake.ACL{Resource: resource, Name: name, Pattern: pattern, Operation: op, Allow: true}
}

// A deployment with everything wrong that can be: the golden file is read as a
// list of what the doctor finds, each with its remedy.
func TestDoctorOfASickSandbox(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: 2, CallsPerMinute: 100, Tokens: map[string]planhatsim.Token{
		planhatsim.DefaultToken: {}, "hush-narrow": {Deny: map[string]bool{"license": true}},
	}},
		may(kmsg.ACLResourceTypeTopic, "planhat.*", kmsg.ACLOperationRead),
		may(kmsg.ACLResourceTypeTopic, "planhat.*", kmsg.ACLOperationDescribeConfigs),
		may(kmsg.ACLResourceTypeTopic, "planhat.changes.*", kmsg.ACLOperationWrite),
		may(kmsg.ACLResourceTypeGroup, "planhat-bridge.source-shards", kmsg.ACLOperationRead),
		may(kmsg.ACLResourceTypeTransactionalId, "planhat-bridge.source-*", kmsg.ACLOperationWrite),
	)
	c.prepare()
	adm := c.admin()
	if _, err := adm.DeleteTopic(t.Context(), "planhat.changes.acme.license"); err != nil {
		t.Fatal(err)
	}
	change := func(topic, setting, value string) {
		answers, err := adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: setting, Value: &value}}, topic)
		if err != nil || answers[0].Err != nil {
			t.Fatal(err, answers)
		}
	}
	change("planhat.changes.acme.company", "cleanup.policy", "delete")
	change("planhat.results.acme", "retention.ms", "172800000")
	client, err := sr.NewClient(sr.URLs(c.registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateSchema(t.Context(), "planhat.results.beta-value", sr.Schema{Schema: `"long"`}); err != nil {
		t.Fatal(err)
	}
	_, url := skewed(t, 10*time.Minute)
	c.names[url] = "OTHER"
	c.set("KAFKA_SASL_USERNAME", "bridge", "KAFKA_SASL_PASSWORD", bridgePassword, "PLANHAT_WORKSPACES", "acme,beta,gamma",
		"PLANHAT_ACME_TOKEN", "hush-narrow", "PLANHAT_BETA_TOKEN", "hush-wrong", "PLANHAT_BETA_BASE_URL", c.env["PLANHAT_ACME_BASE_URL"],
		"PLANHAT_GAMMA_TOKEN", planhatsim.DefaultToken, "PLANHAT_GAMMA_BASE_URL", url, "PLANHAT_BETA_OBJECTS", "company", "PLANHAT_GAMMA_OBJECTS", "company",
		"PLANHAT_GAMMA_FRESHNESS", "*:1s", "PLANHAT_GAMMA_CALLS_PER_MINUTE", "60", "KAFKA_CREATE_TOPICS", "false", "SCHEMA_AUTO_REGISTER", "false")
	so := c.adminServer("SOURCE", "kafka: no answer\n", `{"source":{"workspaces":[{"name":"acme","state":"ok","streams":[
		{"name":"companies","state":"ok","deletes_held":true},{"name":"licenses","state":"forbidden","cause":"403 with hush-narrow"},{"name":"endusers","state":"retrying","cause":"503"}]},
		{"name":"beta","state":"unauthorized","cause":"401"}]}}`)
	si := c.adminServer("SINK", "kafka: ok\n", `{"source":{}}`)
	golden(t, "doctor_sick", c.run("--source-url", so, "--sink-url", si))
}

// skewed serves a Planhat whose clock is wrong.
func skewed(t *testing.T, ahead time.Duration) (*planhatsim.Server, string) {
	t.Helper()
	sim := planhatsim.New(planhatsim.Options{Companies: 1, Now: func() time.Time { return noon.Add(ahead) }})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.CloseClientConnections(); web.Close() })
	return sim, web.URL
}

func TestDoctorOfNothingThatAnswers(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: 1})
	c.set("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1", "SCHEMA_REGISTRY_URL", "http://127.0.0.1:1", "PLANHAT_ACME_BASE_URL", "http://127.0.0.1:1")
	got := c.run("--timeout", "300ms", "--source-url", "http://127.0.0.1:1")
	for _, want := range []string{
		"FAIL  kafka reachable: 127.0.0.1:1: unable to dial", "FAIL  registry reachable: ", "FAIL  planhat acme reachable: ", "FAIL  source reachable: ",
		"acme spent: 0 API calls", "--- exit 3\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, unknown := range []string{"acme clock", "acme budget"} { // nobody answered what they judge
		if strings.Contains(got, unknown) {
			t.Errorf("%q is judged in\n%s", unknown, got)
		}
	}
}

func TestDoctorOfABadConfiguration(t *testing.T) {
	got := command(t, map[string]string{"PLANHAT_WORKSPACES": "acme,beta", "PLANHAT_ACME_TOKEN": "hush", "PLANHAT_BETA_TOKE": "hush", "TOPIC_PARTITIONS": "0"}, nil, "doctor")
	got += command(t, map[string]string{}, nil, "doctor", "-o", "json")
	for _, args := range [][]string{{"-o", "yaml"}, {"--role", "both"}, {"--timeout", "-1s"}, {"--sink-url", "localhost:1"}, {"now"}} {
		got += command(t, map[string]string{"PLANHAT_TOKEN": "hush"}, nil, append([]string{"doctor"}, args...)...)
	}
	if strings.Contains(got, "hush") {
		t.Error("a token is shown")
	}
	golden(t, "doctor_configuration", got)
}

func TestDoctorOfAWrongLogin(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: 1})
	c.cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return resp, nil, true
	})
	got := c.run()
	if !strings.Contains(got, "FAIL  kafka login: BROKER refuses the login") || !strings.HasSuffix(got, "--- exit 1\n") {
		t.Error(got)
	}
}

// Where webhooks are only taken, no registry is needed, and none is asked.
func TestDoctorOfAnIntakeAsksNoRegistry(t *testing.T) {
	t.Parallel()
	c := newClinic(t, planhatsim.Options{Companies: 1})
	for _, name := range slices.Collect(maps.Keys(c.env)) {
		if strings.HasPrefix(name, "PLANHAT_") {
			delete(c.env, name)
		}
	}
	c.set("SCHEMA_REGISTRY_URL", "http://127.0.0.1:1", "SOURCE_COMPONENTS", "webhook", "PIPEDRIVE_ACCOUNTS", "acme",
		"PIPEDRIVE_WEBHOOK_USER", "hook", "PIPEDRIVE_WEBHOOK_PASSWORD", "hush")
	if got := c.run(); strings.Contains(got, "registry reachable") || !strings.Contains(got, "webhooks are taken here") {
		t.Error(got)
	}
}
