package contract

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
)

func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	fmt.Fprint(&want, "# Metrics\n\nGenerated from the code (`make docs`), and held to it by a test. Besides these, `/metrics` has those of the Go\n"+
		"runtime and the process, and `planhat_bridge_build_info`.\n")
	for _, service := range []struct {
		name string
		make func(prometheus.Registerer)
	}{
		{"source", func(r prometheus.Registerer) { source.New(config.Config{}, source.Deps{Registerer: r}) }},
		{"webhook", func(r prometheus.Registerer) { webhook.New(config.Config{}, webhook.Deps{Registerer: r}) }},
		{"sink", func(r prometheus.Registerer) { sink.New(config.Config{}, sink.Deps{Registerer: r}) }},
	} {
		r := &recorder{}
		service.make(r)
		fmt.Fprintf(&want, "\n## %s\n\n| metric | labels | meaning |\n| --- | --- | --- |\n%s", service.name, r.table(t))
	}
	fmt.Fprintf(&want, "\n## Kafka clients\n\nOf source and sink alike, each with a label `client`: `shard-<n>` writes what a shard has to write, `shards` is the\n"+
		"member of the group that hands shards out, `signals` reads the signals, `commands-<workspace>` the commands, `webhooks` writes what Pipedrive sends.\n\n"+
		"| metric | labels | meaning |\n| --- | --- | --- |\n%s", ofClients(t))
	path := filepath.Join("..", "..", "docs", "metrics.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(have)); diff != "" {
		t.Errorf("docs/metrics.md is not what the code says (make docs rewrites it):\n%s", diff)
	}
}

// notMeasured are histograms of the library's that are not asked for.
var notMeasured = regexp.MustCompile(`(?m)^.*_kafka_(read|write)_(time|wait)_seconds.*\n|^.*_kafka_request_duration_e2e_seconds.*\n`)

// ofClients are the metrics of a Kafka client.
func ofClients(t *testing.T) string {
	t.Helper()
	r := &recorder{}
	client, err := kafka.Options{Brokers: []string{"127.0.0.1:1"}, Registerer: r}.For("shards").NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	return notMeasured.ReplaceAllString(r.table(t), "")
}

// recorder is a Registerer that only remembers what would be measured.
type recorder struct{ descs []*prometheus.Desc }

func (r *recorder) Register(c prometheus.Collector) error {
	ch := make(chan *prometheus.Desc)
	go func() {
		defer close(ch)
		c.Describe(ch)
	}()
	for d := range ch {
		r.descs = append(r.descs, d)
	}
	return nil
}

func (r *recorder) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		_ = r.Register(c) // has no error to give
	}
}

func (r *recorder) Unregister(prometheus.Collector) bool { return false }

// described takes a description apart: the library offers no other way.
var described = regexp.MustCompile(`fqName: "([^"]+)", help: "([^"]+)",.* constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}`)

func (r *recorder) table(t *testing.T) string {
	t.Helper()
	var rows []string
	for _, d := range r.descs {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", m[1], strings.ReplaceAll(m[3], ",", ", "), m[2]))
	}
	slices.Sort(rows)
	return strings.Join(rows, "")
}
