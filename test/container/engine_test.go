package container

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/wait"

	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
)

// engine runs containers as production does, on the host's network.
type engine struct{ *testcontainers.DockerProvider }

// newEngine skips the test if there is no container engine to use, or fails if
// BRIDGE_REQUIRE_DOCKER=1. The library's helper container, which would be
// pulled, is off: tests remove what they made.
func newEngine(t *testing.T) *engine {
	t.Helper()
	for name, value := range map[string]string{"TESTCONTAINERS_RYUK_DISABLED": "true", "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"} {
		if os.Getenv(name) == "" {
			t.Setenv(name, value)
		}
	}
	if os.Getenv("BRIDGE_REQUIRE_DOCKER") != "1" {
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
	return &engine{provider}
}

// create makes a container that is removed in the end: read-only, without
// capabilities, and as the user of the image.
func (e *engine) create(t *testing.T, r testcontainers.ContainerRequest) testcontainers.Container {
	t.Helper()
	r.HostConfigModifier = func(h *container.HostConfig) {
		h.NetworkMode = "host"
		h.ReadonlyRootfs = true
		h.CapDrop = []string{"ALL"}
		h.SecurityOpt = []string{"no-new-privileges"}
	}
	c, err := e.CreateContainer(t.Context(), r)
	testcontainers.CleanupContainer(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// outcome is how a container ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// once runs a command in a container to its end.
func (e *engine) once(t *testing.T, image string, env map[string]string, command ...string) outcome {
	t.Helper()
	c := e.create(t, testcontainers.ContainerRequest{
		Image: image, Env: env, Cmd: command, WaitingFor: wait.ForExit().WithExitTimeout(time.Minute),
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatalf("%q: %v\n%+v", command, err, e.outcome(t, c))
	}
	return e.outcome(t, c)
}

// serve starts a service ("": what the image starts by itself) on the stage and
// waits until it is ready.
func (e *engine) serve(t *testing.T, image string, s *surroundings, command string) testcontainers.Container {
	t.Helper()
	listen := port.Free(t)
	env := s.Env(listen)
	env["LOG_LEVEL"], env["INSTANCE_ID"] = "info", "container-0"
	r := testcontainers.ContainerRequest{
		Image: image, Env: env,
		WaitingFor: wait.ForHTTP("/readyz").WithPort(strconv.Itoa(listen) + "/tcp").WithStartupTimeout(time.Minute),
	}
	if command != "" {
		r.Cmd = []string{command}
	}
	c := e.create(t, r)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%+v", e.outcome(t, c))
		}
	})
	if err := c.Start(t.Context()); err != nil {
		t.Fatalf("start: %v", err)
	}
	return c
}

// drain sends SIGTERM and wants the service to end by itself, with code 0,
// before the engine would kill it.
func (e *engine) drain(t *testing.T, c testcontainers.Container) {
	t.Helper()
	before, err := c.State(t.Context())
	if err != nil || !before.Running {
		t.Fatalf("not running: %+v, error %v", before, err)
	}
	begin, limit := time.Now(), grace
	if err := c.Stop(t.Context(), &limit); err != nil {
		t.Fatal(err)
	}
	t.Logf("ended %s after SIGTERM", time.Since(begin).Round(10*time.Millisecond))
	got := e.outcome(t, c)
	if got.code != 0 {
		t.Errorf("exit code %d; 137 is killed after %s", got.code, grace)
	}
	for _, want := range []string{"msg=stopping", "signal=terminated", "msg=stopped"} {
		if !strings.Contains(got.stderr, want) {
			t.Errorf("no %s in the log", want)
		}
	}
}

// outcome reads what a container has said, and its exit code.
func (e *engine) outcome(t *testing.T, c testcontainers.Container) outcome {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // asked in cleanups, too
	state, err := c.State(ctx)
	if err != nil {
		t.Fatal(err)
	}
	logs, err := e.Client().ContainerLogs(ctx, c.GetContainerID(), client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer logs.Close()
	var stdout, stderr strings.Builder
	if _, err := stdcopy.StdCopy(&stdout, &stderr, logs); err != nil {
		t.Fatal(err)
	}
	return outcome{state.ExitCode, stdout.String(), stderr.String()}
}
