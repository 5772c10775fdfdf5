// Package stage is everything round the bridge, on ports of 127.0.0.1: an
// embedded Kafka broker, a schema registry and a Planhat with a seeded tenant, and where
// it is asked for a Pipedrive with a seeded company.
// The sandbox plays on it, and so do end-to-end tests. It knows nothing of the
// bridge but the environment variables that point a service at it.
package stage

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

// Workspace is the name of the sandbox's only workspace, and Token the token
// that its Planhat accepts.
const (
	Workspace = "demo"
	Token     = planhatsim.DefaultToken
)

// Stage is everything round the bridge: a broker, a schema registry and
// a Planhat, each on a port of 127.0.0.1.
type Stage struct {
	Broker    string // host:port
	Registry  string // URL
	Planhat   string // URL
	Simulator *planhatsim.Server

	// Of AddPipedrive; empty without.
	Pipedrive          string // URL
	PipedriveSimulator *pipedrivesim.Server
	Webhook            string // host:port that the intake listens on
	WebhookURL         string // that Pipedrive is told to call

	cluster     *kfake.Cluster
	servers     []*http.Server
	connections atomic.Int64 // to Planhat
}

// New starts the parts; port 0 picks a free one. onlySimulators
// leaves broker and registry out.
func New(ports Ports, sim planhatsim.Options, onlySimulators bool) (*Stage, error) {
	e := &Stage{Simulator: planhatsim.New(sim)}
	var err error
	if e.Planhat, err = e.serve(ports.Planhat, "planhat-port", e.Simulator); err != nil {
		return nil, err
	}
	if onlySimulators {
		return e, nil
	}
	if e.Registry, err = e.serve(ports.Registry, "registry-port", srfake.NewRegistry().Handler()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	if err := e.startBroker(ports.Kafka); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// NewOn is New on a broker that runs already.
func NewOn(broker string, ports Ports, sim planhatsim.Options) (*Stage, error) {
	e, err := New(ports, sim, true)
	if err != nil {
		return nil, err
	}
	if e.Registry, err = e.serve(ports.Registry, "registry-port", srfake.NewRegistry().Handler()); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.Broker = broker
	return e, nil
}

func (e *Stage) startBroker(port int) error {
	l, err := listen(port, "kafka-port")
	if err != nil {
		return err
	}
	e.cluster, err = kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return l, nil }),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	)
	if err != nil {
		return errors.Join(fmt.Errorf("start broker: %w", err), l.Close())
	}
	e.Broker = e.cluster.ListenAddrs()[0]
	return nil
}

func (e *Stage) serve(port int, flag string, h http.Handler) (url string, err error) {
	l, err := listen(port, flag)
	if err != nil {
		return "", err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	if h == e.Simulator {
		s.ConnState = e.counted
	}
	e.servers = append(e.servers, s)
	go func() { _ = s.Serve(l) }() // ends with Close
	return "http://" + l.Addr().String(), nil
}

// counted keeps count of the connections to Planhat.
func (e *Stage) counted(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		e.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		e.connections.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// Connections is how many connections to Planhat are open. Of a process that was
// killed all requests have been seen when its connections are gone.
func (e *Stage) Connections() int { return int(e.connections.Load()) }

// Env is the environment of a service that runs against these parts: what a
// user would export, with targets and deadlines that suit a demonstration.
func (e *Stage) Env(adminPort int) map[string]string {
	vars := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS":  e.Broker,
		"SCHEMA_REGISTRY_URL":      e.Registry,
		"PLANHAT_WORKSPACES":       Workspace,
		"PLANHAT_TOKEN":            Token,
		"PLANHAT_BASE_URL":         e.Planhat,
		"PLANHAT_CALLS_PER_MINUTE": strconv.Itoa(callsPerMinute),
		"PLANHAT_FRESHNESS":        "*:1s",
		"TOPIC_REPLICATION_FACTOR": "1",
		"ADMIN_ADDR":               Address(adminPort),
		"SHARD_SESSION_TIMEOUT":    "10s",
		"CALL_DEADLINE":            "2s",
		"LOG_LEVEL":                "warn",
		"LOG_FORMAT":               "text",
	}
	if e.Pipedrive != "" {
		maps.Copy(vars, e.pipedriveEnv())
	}
	return vars
}

// callsPerMinute is the sandbox's budget: a demonstration shall not wait for
// the 200 calls a minute of a real tenant.
const callsPerMinute = 6000

// Close ends the parts at once.
func (e *Stage) Close() error {
	var errs []error
	for _, s := range e.servers {
		errs = append(errs, s.Close())
	}
	if e.cluster != nil {
		e.cluster.Close()
	}
	if e.PipedriveSimulator != nil {
		e.PipedriveSimulator.Close()
	}
	return errors.Join(errs...)
}
