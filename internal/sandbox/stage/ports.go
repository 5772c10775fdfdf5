package stage

import (
	"fmt"
	"net"
	"strconv"
)

// Ports of a stage and of the services on it, all on 127.0.0.1. The defaults keep clear of a local Kafka
// (9092), schema registry (8081) and Prometheus (9090).
type Ports struct {
	Kafka, Registry, Planhat, Source, Sink, Pipedrive, Webhook int
}

// DefaultPorts are what the sandbox listens on unless told otherwise.
var DefaultPorts = Ports{Kafka: 19092, Registry: 18081, Planhat: 18080, Source: 19102, Sink: 19103, Pipedrive: 18082, Webhook: 18083}

// listen opens a port; a busy one is an error that names the flag to change it.
func listen(port int, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", Address(port)) //nolint:noctx // a listener has no deadline
	if err != nil {
		return nil, fmt.Errorf("%w: choose another port with --%s", err, flag)
	}
	return l, nil
}

// Address is a port of 127.0.0.1.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Free says, naming the flag, when a port that a service will open is busy.
func Free(port int, flag string) error {
	l, err := listen(port, flag)
	if err != nil {
		return err
	}
	return l.Close()
}
