package doctor

import (
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The doctor looks at the very topics that the services make.
func TestNeedsAreThoseOfTheServices(t *testing.T) {
	cfg, err := config.Load([]string{
		"PLANHAT_WORKSPACES=acme,beta", "PLANHAT_ACME_TOKEN=x", "PLANHAT_BETA_TOKEN=y", "PLANHAT_BETA_OBJECTS=company", "TOPIC_PREFIX=crm.", "INSTANCE_ID=i",
	}, service.Objects())
	if err != nil {
		t.Fatal(err)
	}
	for role, topics := range map[string][]kafka.TopicSpec{
		Source: source.New(cfg, source.Deps{Registerer: prometheus.NewRegistry()}).Topics(),
		Sink:   sink.New(cfg, sink.Deps{Registerer: prometheus.NewRegistry()}).Topics(),
	} {
		x := newExaminer(Options{Config: cfg, Roles: []string{role}})
		needs, err := x.topics()
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, n := range needs {
			if len(n.ops) == 0 {
				t.Errorf("nothing is done with %s", n.spec.Name)
			}
			got = append(got, n.spec.Name)
		}
		for _, s := range topics {
			want = append(want, s.Name)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", role, got, want)
		}
	}
}

func TestSecretsAreReplacedEverywhere(t *testing.T) {
	var got []Check
	x := newExaminer(Options{
		Config: config.Config{Planhat: []config.Workspace{{Token: config.NewSecret("hush-hush")}}},
		Emit:   func(c Check) { got = append(got, c) },
	})
	part{x: x, area: "kafka"}.failf("x", "say hush-hush", "a\nhush-hush b")
	if len(got) != 1 || got[0].String() != "FAIL  kafka x: a; ****** b; remedy: say ******" || x.report.Failures != 1 {
		t.Errorf("%v", got)
	}
}
