// Package realkafka holds the bridge to a real Apache Kafka 4: what the embedded
// broker of the other tests plays, and what it might play too kindly.
//
// The broker is a container of image; REAL_KAFKA=host:port names one that runs
// already. All tests share it, each under names of its own. Without a container
// engine or the image they are skipped, or fail if BRIDGE_REQUIRE_DOCKER=1.
package realkafka

import (
	"crypto/rand"
	"os"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

func TestMain(m *testing.M) { os.Exit(rig.Main(m)) }

func TestRealKafka(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a broker in a container, and kills processes")
	}
	k := cluster{broker: os.Getenv("REAL_KAFKA"), restart: func(t *testing.T) {
		t.Helper()
		t.Skip("the broker of REAL_KAFKA is not ours to kill")
	}}
	if k.broker == "" {
		k.broker, k.restart = startBroker(t)
	}
	t.Run("stories", k.stories)
	t.Run("times", k.times)
	t.Run("the broker is killed and comes back", k.brokerKilled)
}

// cluster is the broker that all stories share.
type cluster struct {
	broker  string // host:port
	restart func(*testing.T)
}

// stories run beside one another.
func (k cluster) stories(t *testing.T) {
	t.Run("every shard is owned and writes once", k.everyShardWritesOnce)
	t.Run("a commit without an answer is looked up", k.commitWithoutAnswer)
	t.Run("two processes share and the survivor takes all", k.survivorTakesAll)
	t.Run("a fenced owner writes nothing", k.fencedOwnerWritesNothing)
	t.Run("an owner fenced in mid-transaction writes nothing", k.fencedInMidTransaction)
	t.Run("state is restored after compaction", k.restoredAfterCompaction)
	t.Run("source killed at named points", k.sourceKilledAtNamedPoints)
	t.Run("sink killed at named points", k.sinkKilledAtNamedPoints)
	t.Run("account killed at named points", k.accountKilledAtNamedPoints)
	t.Run("a standby takes over", k.standbyTakesOver)
	t.Run("a stopped process wakes up too late", k.stoppedProcessWakesUp)
	t.Run("the same pod runs twice", k.samePodRunsTwice)
	t.Run("two deployments by mistake", k.twoDeployments)
}

// times are measured when nothing else goes on.
func (k cluster) times(t *testing.T) {
	t.Run("a killed process starts again", k.restarted)
	t.Run("a killed sink starts again", k.sinkRestarted)
	t.Run("a killed process is replaced", k.takenOver)
	t.Run("two replicas are rolled", k.rolled)
	t.Run("replicas come and go", k.scaled)
}

// bridge is a BRIDGE_NAME of the test's own, and of this run's.
func bridge(t *testing.T) string {
	t.Helper()
	story := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
	return strings.ReplaceAll(story, "_", "-") + "-" + strings.ToLower(rand.Text()[:6])
}
