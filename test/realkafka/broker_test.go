package realkafka

import (
	"context"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
)

// image is pulled where a registry can be reached; where none can,
// .ci/kafka/build.sh makes one of the same name.
const image = "apache/kafka:4.3.1"

const (
	pullWithin  = 3 * time.Minute
	startWithin = time.Minute
)

// startBroker runs one broker, which is its own controller, on the host's
// network, and removes it in the end; restart kills it and starts it again. It
// skips the test if it cannot, or fails if BRIDGE_REQUIRE_DOCKER=1.
func startBroker(t *testing.T) (broker string, restart func(*testing.T)) {
	t.Helper()
	for name, value := range map[string]string{"TESTCONTAINERS_RYUK_DISABLED": "true", "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"} {
		if os.Getenv(name) == "" {
			t.Setenv(name, value)
		}
	}
	refuse := t.Fatalf
	if os.Getenv("BRIDGE_REQUIRE_DOCKER") != "1" {
		refuse = t.Skipf
		testcontainers.SkipIfProviderIsNotHealthy(t)
		testcontainers.SkipIfDockerDesktop(t, t.Context()) // its host network is not this host's
	}
	// The default network is host, so that none is made where there is no bridge.
	options := append(testcontainers.Generic2DockerOptions(testcontainers.WithLogger(log.TestLogger(t))),
		testcontainers.WithDefaultBridgeNetwork("host"))
	provider, err := testcontainers.NewDockerProvider(options...)
	if err != nil {
		t.Fatalf("no container engine: %v", err)
	}
	if err := provider.Health(t.Context()); err != nil {
		t.Fatalf("the container engine is not healthy: %v", err)
	}
	if _, err := provider.Client().ImageInspect(t.Context(), image); err != nil {
		ctx, cancel := context.WithTimeout(t.Context(), pullWithin)
		defer cancel()
		if err := provider.PullImage(ctx, image); err != nil {
			refuse("%s is neither here (.ci/kafka/build.sh builds it) nor can it be pulled: %v", image, err)
		}
	}

	broker = port.Address(t)
	controller := port.Address(t)
	c, err := provider.CreateContainer(t.Context(), testcontainers.ContainerRequest{
		Image: image, Env: settings(broker, controller),
		HostConfigModifier: func(h *container.HostConfig) { h.NetworkMode = "host" },
	})
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the broker said:\n%s", said(c))
		}
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	await(t, broker, c)
	return broker, func(t *testing.T) {
		t.Helper()
		if _, err := provider.Client().ContainerKill(t.Context(), c.GetContainerID(), client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
			t.Fatal(err)
		}
		// The engine notices a moment later.
		if err := wait.ForExit().WithExitTimeout(startWithin).WaitUntilReady(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		await(t, broker, c)
	}
}

// settings of a broker alone. Its internal topics are made on first use: with
// 50 partitions each, most of the time would go into them.
func settings(broker, controller string) map[string]string {
	return map[string]string{
		"KAFKA_NODE_ID":                                          "1",
		"KAFKA_PROCESS_ROLES":                                    "broker,controller",
		"KAFKA_CONTROLLER_QUORUM_VOTERS":                         "1@" + controller,
		"KAFKA_CONTROLLER_LISTENER_NAMES":                        "CONTROLLER",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP":                   "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
		"KAFKA_LISTENERS":                                        "PLAINTEXT://" + broker + ",CONTROLLER://" + controller,
		"KAFKA_ADVERTISED_LISTENERS":                             "PLAINTEXT://" + broker,
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR":                 "1",
		"KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS":                     "3",
		"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR":         "1",
		"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR":                    "1",
		"KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS":             "3",
		"KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
		"KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR":            "1",
		"KAFKA_LOG_CLEANER_BACKOFF_MS":                           "100",
		"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS":                 "0",
	}
}

// await waits until the broker answers.
func await(t *testing.T, broker string, c testcontainers.Container) {
	t.Helper()
	cl, err := kafka.Options{Brokers: []string{broker}}.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := cl.Ping(ctx)
		if err == nil {
			return
		}
		if state, asked := c.State(ctx); asked == nil && !state.Running {
			t.Fatalf("the broker has ended with exit code %d", state.ExitCode)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the broker does not answer within %s: %v", startWithin, err)
		}
	}
}

// said is the container's log.
func said(c testcontainers.Container) string {
	logs, err := c.Logs(context.Background())
	if err != nil {
		return fmt.Sprint(err)
	}
	defer logs.Close()
	all, err := io.ReadAll(logs)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(all)
}
