package ctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/background"
)

// command carries out one command line in an environment at noon, and gives
// what it printed and its code in one text, with names in place of addresses.
func command(t *testing.T, environ, names map[string]string, args ...string) string {
	t.Helper()
	var env []string
	for k, v := range environ {
		env = append(env, k+"="+v)
	}
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	code := Run(ctx, args, Surroundings{Environ: env, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: func() time.Time { return noon }})
	text := "$ planhatctl " + strings.Join(args, " ") + "\n" + out.String()
	if errs.Len() > 0 {
		text += "--- stderr\n" + errs.String()
	}
	text += fmt.Sprintf("--- exit %d\n", code)
	for address, name := range names {
		text = strings.ReplaceAll(text, address, name)
	}
	for _, space := range []string{"", " "} {
		text = strings.ReplaceAll(text, `"version":`+space+`"`+ops.ReadBuild().Version+`"`, `"version":`+space+`"VERSION"`)
	}
	return text
}

// tenant serves a Planhat whose clock stands at noon.
func tenant(t *testing.T, o planhatsim.Options) (*planhatsim.Server, string) {
	t.Helper()
	o.Now = func() time.Time { return noon }
	sim := planhatsim.New(o)
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.CloseClientConnections(); web.Close() })
	return sim, web.URL
}

func tenantEnv(url string) map[string]string {
	return map[string]string{
		"PLANHAT_WORKSPACES": "acme", "PLANHAT_TOKEN": planhatsim.DefaultToken, "PLANHAT_BASE_URL": url,
		"KAFKA_SASL_MECHANISM": "nonsense", // nobody asks Kafka
	}
}

func TestSample(t *testing.T) {
	sim, url := tenant(t, planhatsim.Options{Companies: 2, Tokens: map[string]planhatsim.Token{planhatsim.DefaultToken: {}, "narrow": {Deny: map[string]bool{"license": true}}}})
	env := tenantEnv(url)
	run := func(args ...string) string {
		return command(t, env, map[string]string{url: "PLANHAT"}, append([]string{"sample"}, args...)...)
	}
	got := run("license") + run("note", "-o", "pretty") + run("license", "--id", "5f0000000000000000000000") + run("license", "--id", "x") +
		run("compny") + run("zebra") + run("license", "-o", "text") + run("company", "-w", "other") + run() + run("company", "--timeout", "0s") + run("company", "--id", "")
	env["PLANHAT_TOKEN"] = "narrow"
	got += run("license")
	env["PLANHAT_TOKEN"] = "hush-hush"
	got += run("company")
	env["PLANHAT_TOKEN"] = planhatsim.DefaultToken
	if err := sim.AddFault(planhatsim.Fault{Kind: "429", Count: 1}); err != nil {
		t.Fatal(err)
	}
	got += run("company")
	env["PLANHAT_BASE_URL"] = "http://127.0.0.1:1"
	got += run("company")
	delete(env, "PLANHAT_TOKEN")
	got += run("company")
	if strings.Contains(got, "hush") || strings.Contains(got, planhatsim.DefaultToken) {
		t.Error("a token is shown")
	}
	golden(t, "sample", got)
}

func TestSampleOfAnEmptyTenant(t *testing.T) {
	_, url := tenant(t, planhatsim.Options{Companies: -1})
	got := command(t, tenantEnv(url), nil, "sample", "company")
	if !strings.Contains(got, "workspace acme shows no company; create one") || !strings.HasSuffix(got, "--- exit 1\n") {
		t.Error(got)
	}
}

func TestSampleOfTheOtherObjectOfAListing(t *testing.T) {
	sim, url := tenant(t, planhatsim.Options{Companies: 1})
	var rows []map[string]any
	if err := json.Unmarshal(sim.State("conversations"), &rows); err != nil {
		t.Fatal(err)
	}
	spec, _ := planhat.Lookup(planhat.Note)
	for _, row := range rows {
		if row["type"] == spec.Type {
			continue
		}
		id, _ := row["_id"].(string)
		got := command(t, tenantEnv(url), nil, "sample", "note", "--id", id)
		if !strings.Contains(got, id+" is no note") || !strings.HasSuffix(got, "--- exit 1\n") {
			t.Error(got)
		}
		return
	}
	t.Fatal("the tenant has notes alone: nothing was tested")
}

// One call of a sample is one call, for every object of the table.
func TestSampleSpendsOneCall(t *testing.T) {
	for _, spec := range planhat.Objects() {
		sim, url := tenant(t, planhatsim.Options{Companies: 10})
		got := command(t, tenantEnv(url), nil, "sample", string(spec.Object))
		calls, _ := sim.Calls()
		for deadline := time.Now().Add(5 * time.Second); len(calls) == 0 && time.Now().Before(deadline); calls, _ = sim.Calls() {
			runtime.Gosched() // the journal has a call when its answer is out
		}
		if len(calls) != 1 || !strings.Contains(got, "1 call spent; 199 of 200 remain") || !strings.HasSuffix(got, "--- exit 0\n") {
			t.Errorf("%s: %d calls\n%s", spec.Object, len(calls), got)
		}
	}
}

// The sample of a record is the event that a source really writes for it, but
// for the sequence and the moment.
func TestSampleIsWhatTheSourceWrites(t *testing.T) {
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Companies: 5}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	env := s.Env(0)
	cfg := loadEnv(t, env)
	runSource(t, cfg)
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, spec := range planhat.Objects() {
		sample := event(t, command(t, env, nil, "sample", string(spec.Object)))
		var written map[string]any
		for written == nil {
			text := command(t, env, nil, "tail", string(spec.Object), "-o", "json", "--from", "beginning")
			for line := range strings.Lines(text) {
				if strings.Contains(line, fmt.Sprintf(`"key":%q`, sample["key"])) && written == nil {
					written = event(t, line)
				}
			}
			if patience.Err() != nil {
				t.Fatalf("the source never wrote %s %v", spec.Object, sample["key"])
			}
		}
		for _, e := range []map[string]any{sample, written} {
			delete(e, "partition")
			delete(e, "offset")
			delete(e, "timestamp")
			value := e["value"].(map[string]any)
			origin := value["source"].(map[string]any)
			delete(origin, "sequence")
			if origin["ts_ms"] == value["ts_ms"] { // an object without stamps
				delete(origin, "ts_ms")
			}
			delete(value, "ts_ms")
		}
		if diff := cmp.Diff(written, sample); diff != "" {
			t.Errorf("%s (-written +sample):\n%s", spec.Object, diff)
		}
	}
}

// event is the JSON of the first line that has any.
func event(t *testing.T, text string) map[string]any {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var out map[string]any
		if err := json.Unmarshal([]byte(line), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Fatalf("no event in %s", text)
	return nil
}

func loadEnv(t *testing.T, env map[string]string) config.Config {
	t.Helper()
	var environ []string
	for k, v := range env {
		environ = append(environ, k+"="+v)
	}
	cfg, err := config.Load(environ, objectNames())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// runSource runs a source until the test ends.
func runSource(t *testing.T, cfg config.Config) {
	t.Helper()
	options, err := kafka.FromConfig(cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := kafka.NewRegistry(cfg.Registry)
	if err != nil {
		t.Fatal(err)
	}
	s := source.New(cfg, source.Deps{
		Kafka: options, Registrar: schemas.NewRegistrar(registry, true), Resolver: schemas.NewResolver(registry),
		Registerer: prometheus.NewRegistry(), Version: ops.ReadBuild().Version,
	})
	if err := s.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	background.Run(t, "source", s.Run)
}
