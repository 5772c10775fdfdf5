// Package registry holds the bridge to a schema registry that others wrote. The
// embedded one of the other tests comes from the same hands as the client: here
// it and a real one are asked the same questions.
//
// REAL_REGISTRY is the URL of a registry that runs, with its path;
// .ci/registry/start.sh runs one. Tests leave subjects behind, under names of
// their own. Without it they are skipped, or fail if BRIDGE_REQUIRE_REGISTRY=1.
package registry

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

// realURL is the registry that REAL_REGISTRY names.
func realURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("REAL_REGISTRY")
	if url != "" {
		return url
	}
	const remedy = "REAL_REGISTRY names no registry; .ci/registry/start.sh runs one"
	if os.Getenv("BRIDGE_REQUIRE_REGISTRY") == "1" {
		t.Fatal(remedy)
	}
	t.Skip(remedy)
	return ""
}

// registry is one under test, asked as the bridge asks.
type registry struct {
	url    string
	client *sr.Client
}

func connect(t *testing.T, url string) registry {
	t.Helper()
	client, err := kafka.NewRegistry(config.Registry{URLs: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	if err := kafka.PingRegistry(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	return registry{url: strings.TrimSuffix(url, "/"), client: client}
}

func embedded(t *testing.T) registry {
	t.Helper()
	r := srfake.New()
	t.Cleanup(r.Close)
	return connect(t, r.URL())
}

// fresh is a prefix of topics and subjects that no other test uses.
func fresh() string { return "t" + strings.ToLower(rand.Text()[:8]) + "." }

// Every registry answers the questions of the bridge alike.
func TestRegistriesAnswerAlike(t *testing.T) {
	for _, where := range []struct {
		name string
		open func(*testing.T) registry
	}{
		{"embedded", embedded},
		{"real", func(t *testing.T) registry { t.Helper(); return connect(t, realURL(t)) }},
		{"real, path with a slash", func(t *testing.T) registry {
			t.Helper()
			return connect(t, strings.TrimSuffix(realURL(t), "/")+"/")
		}},
	} {
		t.Run(where.name, func(t *testing.T) {
			r := where.open(t)
			t.Run("all schemas are registered, once", r.allRegisteredOnce)
			t.Run("two processes register at a time", r.twoAtATime)
			t.Run("verify only says what to register", r.verifyOnly)
			t.Run("what readers cannot read is refused", r.incompatibleRefused)
			t.Run("an older bridge keeps its version", r.olderKeepsItsVersion)
			t.Run("a change is read by the id on it", r.changeReadByID)
			t.Run("an unknown id is told from a registry in trouble", r.unknownID)
			t.Run("its refusals have status and code", r.refusals)
		})
	}
}
