package ctl

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/doctor"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Each is one trouble in an otherwise healthy deployment, the line that it
// makes, and the exit code.
func TestDoctorFinds(t *testing.T) {
	deny := func(objects ...string) map[string]planhatsim.Token {
		denied := map[string]bool{}
		for _, o := range objects {
			denied[o] = true
		}
		return map[string]planhatsim.Token{planhatsim.DefaultToken: {Deny: denied}}
	}
	for name, tt := range map[string]struct {
		sim   planhatsim.Options
		make  func(c *clinic)
		want  string
		level string
		exit  string
	}{
		"a right that is answered with 401": {
			sim:  planhatsim.Options{Tokens: deny("company"), Switches: planhatsim.Switches{Forbidden: "401"}},
			want: "planhat acme rights: reading user ok, company unauthorized, enduser ok", level: "FAIL", exit: "1",
		},
		"a right that is answered with 404": {
			sim:  planhatsim.Options{Tokens: deny("license"), Switches: planhatsim.Switches{Forbidden: "404"}},
			want: "license not found", level: "FAIL", exit: "1",
		},
		"one call too many": {
			make: func(c *clinic) { c.fault(planhatsim.Fault{Kind: "429", Count: 1, Path: "/licenses"}) },
			want: "license throttled", level: "warn", exit: "0",
		},
		"a proxy's page": {
			make: func(c *clinic) {
				c.fault(planhatsim.Fault{Kind: "truncated", Mode: "json", Count: 1, Path: "/endusers"})
			},
			want: "enduser error", level: "FAIL", exit: "1",
		},
		"nothing remains": {
			sim:  planhatsim.Options{CallsPerMinute: 1},
			want: "planhat acme budget: Planhat grants 1 calls, 200 a minute", level: "warn", exit: "0",
		},
		"no Date": {
			sim:  planhatsim.Options{Switches: planhatsim.Switches{DateHeader: "absent", RateHeaders: "none"}},
			want: "planhat acme clock: not compared", level: "ok", exit: "0",
		},
		"no rate headers": {
			sim:  planhatsim.Options{Switches: planhatsim.Switches{RateHeaders: "none"}},
			want: "planhat acme budget: Planhat does not say what it grants", level: "ok", exit: "0",
		},
		"a clock that is a little off": {
			make: func(c *clinic) { c.elsewhere(-20 * time.Second) },
			want: "planhat acme clock: the host's clock is at least 19s ahead of Planhat's", level: "warn", exit: "0",
		},
		"a registry that wants credentials": {
			make: func(c *clinic) { c.otherRegistry(srfake.WithAuth("Basic hush")) },
			want: "registry login: REGISTRY refuses: 401", level: "FAIL", exit: "1",
		},
		"a registry that takes nothing": {
			make: func(c *clinic) { c.intercept("GET /mode", `{"mode":"READONLY"}`) },
			want: "registry mode: the registry is in mode READONLY", level: "FAIL", exit: "1",
		},
		"a registry elsewhere": {
			make: func(c *clinic) { c.set("SCHEMA_REGISTRY_URL", c.env["PLANHAT_ACME_BASE_URL"]) },
			want: "registry login: PLANHAT refuses: 401", level: "FAIL", exit: "1",
		},
		"more replicas than brokers": {
			make: func(c *clinic) { c.set("TOPIC_REPLICATION_FACTOR", "3") },
			want: "is missing, and the cluster would not create it: INVALID_REPLICATION_FACTOR", level: "FAIL", exit: "1",
		},
		"no right to create": {
			make: func(c *clinic) {
				c.set("KAFKA_SASL_USERNAME", "bridge", "KAFKA_SASL_PASSWORD", bridgePassword)
			},
			want: "kafka rights: User:bridge lacks DescribeConfigs, Read, Write on _planhat-bridge.source-state", level: "FAIL", exit: "1",
		},
		"a certificate that is not there": {
			make: func(c *clinic) { c.set("KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", "/nowhere/ca.pem") },
			want: "kafka client: read KAFKA_TLS_CA_FILE", level: "FAIL", exit: "1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tt.sim.Companies = 1
			c := newClinic(t, tt.sim)
			if tt.make != nil {
				tt.make(c)
			}
			got := c.run("--timeout", "5s")
			found := false
			for line := range strings.Lines(got) {
				found = found || strings.HasPrefix(line, tt.level+" ") && strings.Contains(line, tt.want) && (tt.level == "ok" || strings.Contains(line, "; remedy: "))
			}
			if !found || !strings.HasSuffix(got, "--- exit "+tt.exit+"\n") {
				t.Errorf("no %s %q with exit %s in\n%s", tt.level, tt.want, tt.exit, got)
			}
		})
	}
}

func (c *clinic) fault(f planhatsim.Fault) {
	c.t.Helper()
	if err := c.sim.AddFault(f); err != nil {
		c.t.Fatal(err)
	}
}

// elsewhere lets the workspace live at a Planhat with another clock.
func (c *clinic) elsewhere(ahead time.Duration) {
	_, url := skewed(c.t, ahead)
	c.names[url] = "OTHER"
	c.set("PLANHAT_ACME_BASE_URL", url)
}

func (c *clinic) otherRegistry(opts ...srfake.Option) {
	c.registry.Close()
	c.registry = srfake.New(opts...)
	c.names[c.registry.URL()] = "REGISTRY"
	c.set("SCHEMA_REGISTRY_URL", c.registry.URL())
}

// intercept lets the registry answer a request with this body.
func (c *clinic) intercept(request, body string) {
	c.registry.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method+" "+r.URL.Path != request {
			return false
		}
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_, _ = w.Write([]byte(body))
		return true
	})
}

// A new version that the bridge finds compatible may still be refused by the
// registry's own level.
func TestDoctorAsksTheRegistryForItsOpinion(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: 1})
	client, err := sr.NewClient(sr.URLs(c.registry.URL()))
	if err != nil {
		t.Fatal(err)
	}
	const subject = "planhat.results.acme-value"
	older := `{"type":"record","name":"Result","namespace":"planhatbridge","fields":[]}`
	if _, err := client.CreateSchema(t.Context(), subject, sr.Schema{Schema: older}); err != nil {
		t.Fatal(err)
	}
	got := c.run()
	if !strings.Contains(got, "FAIL  registry subject "+subject+": the schema there (version 1) is not compatible") {
		t.Errorf("a schema that cannot be read is accepted:\n%s", got)
	}
	c = newClinic(t, planhatsim.Options{Companies: 1})
	c.env["PLANHAT_ACME_OBJECTS"] = "company"
	if client, err = sr.NewClient(sr.URLs(c.registry.URL())); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateSchema(t.Context(), subject, sr.Schema{Schema: withoutLastField(t)}); err != nil {
		t.Fatal(err)
	}
	if got := c.run(); !strings.Contains(got, "services register at their start") || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
	c.intercept("POST /compatibility/subjects/"+subject+"/versions", `{"is_compatible":false,"messages":["READER_FIELD_MISSING"]}`)
	if got := c.run(); !strings.Contains(got, "the registry would refuse this bridge's schema: READER_FIELD_MISSING") || !strings.HasSuffix(got, "--- exit 1\n") {
		t.Error(got)
	}
}

// The remedies for rights are enough: with what they grant, and nothing else,
// the doctor finds no fault and a source and a sink run.
func TestRemediesForRightsAreEnough(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole source is run for it, which others do too")
	}
	c := newClinic(t, planhatsim.Options{Companies: 2})
	c.prepare()
	c.set("KAFKA_SASL_USERNAME", "bridge", "KAFKA_SASL_PASSWORD", bridgePassword)
	granted := 0
	for line := range strings.Lines(c.run("-o", "json")) {
		var check doctor.Check
		if json.Unmarshal([]byte(line), &check) == nil && strings.HasPrefix(check.Remedy, "kafka-acls ") {
			c.grant(check.Remedy)
			granted++
		}
	}
	if granted < 4 {
		t.Errorf("%d commands grant rights, want some for topics, groups and transactional ids", granted)
	}
	if got := c.run(); strings.Contains(got, "FAIL  kafka") || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
	cfg := loadEnv(t, c.env)
	runSource(t, cfg)
	c.prepare() // of both, with these rights alone
	c.set("KAFKA_SASL_USERNAME", "admin", "KAFKA_SASL_PASSWORD", adminPassword)
	if got := command(t, c.env, nil, "tail", "license", "--follow", "--from", "beginning", "--max", "1"); !strings.Contains(got, " r license ") {
		t.Errorf("the source wrote nothing with these rights: %s", got)
	}
}

// grant carries out a kafka-acls command line.
func (c *clinic) grant(line string) {
	c.t.Helper()
	words := strings.Fields(strings.ReplaceAll(line, "'", ""))
	given := map[string][]string{}
	for i := 0; i+1 < len(words); i++ {
		given[words[i]] = append(given[words[i]], words[i+1])
	}
	pattern := kadm.ACLPatternLiteral
	if given["--resource-pattern-type"] != nil {
		pattern = kadm.ACLPatternPrefixed
	}
	var ops []kadm.ACLOperation
	for _, name := range given["--operation"] {
		op, ok := map[string]kadm.ACLOperation{"Read": kadm.OpRead, "Write": kadm.OpWrite, "DescribeConfigs": kadm.OpDescribeConfigs, "Create": kadm.OpCreate}[name]
		if !ok {
			c.t.Fatalf("operation %s in %s", name, line)
		}
		ops = append(ops, op)
	}
	b := kadm.NewACLs().Allow(given["--allow-principal"]...).AllowHosts().Operations(ops...).ResourcePatternType(pattern).
		Topics(given["--topic"]...).Groups(given["--group"]...).TransactionalIDs(given["--transactional-id"]...)
	answers, err := c.admin().CreateACLs(c.t.Context(), b)
	if err != nil || len(answers) == 0 {
		c.t.Fatal(err, answers)
	}
	for _, a := range answers {
		if a.Err != nil {
			c.t.Fatalf("%s: %v", line, a.Err)
		}
	}
}

// withoutLastField is the schema of results as an older bridge might have had
// it: without a field that may be left out.
func withoutLastField(t *testing.T) string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal([]byte(schemas.ResultSchema()), &schema); err != nil {
		t.Fatal(err)
	}
	fields := schema["fields"].([]any)
	for i, field := range slices.Backward(fields) {
		if _, optional := field.(map[string]any)["default"]; optional {
			schema["fields"] = append(fields[:i:i], fields[i+1:]...)
			raw, err := json.Marshal(schema)
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
	}
	t.Fatal("no field of a result may be left out")
	return ""
}
