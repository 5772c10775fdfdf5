// Package settings turns variables into the configuration of a service that runs in a
// test's process.
package settings

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
)

// Environ spells variables as the environment of a process has them.
func Environ(vars map[string]string) []string {
	out := make([]string, 0, len(vars))
	for name, value := range vars {
		out = append(out, name+"="+value)
	}
	return out
}

// Config is what variables configure; those that are empty count as not set.
func Config(t testing.TB, vars map[string]string) config.Config {
	t.Helper()
	cfg, err := config.Load(Environ(vars), service.Objects())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// Kafka is the broker of a configuration, for clients that soon see a topic which has
// just come into being.
func Kafka(t testing.TB, cfg config.Config) kafka.Options {
	t.Helper()
	o, err := kafka.FromConfig(cfg.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	o.Extra = []kgo.Opt{kgo.MetadataMinAge(20 * time.Millisecond)}
	return o
}
