package stage

import (
	"net"
	"strconv"
	"strings"
	"testing"

	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
)

func TestBusyPortNamesItsFlag(t *testing.T) {
	t.Parallel()
	l, err := listen(0, "")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := portOf(t, l.Addr().String())
	for flag, ports := range map[string]Ports{
		"--kafka-port": {Kafka: busy}, "--registry-port": {Registry: busy}, "--planhat-port": {Planhat: busy},
	} {
		s, err := New(ports, planhatsim.Options{Companies: 1}, false)
		if err == nil {
			t.Errorf("%s: port %d is busy, yet it started", flag, busy)
			_ = s.Close()
		} else if !strings.HasSuffix(err.Error(), "choose another port with "+flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	if err := Free(busy, "sink-port"); err == nil || !strings.HasSuffix(err.Error(), "--sink-port") {
		t.Errorf("sink-port: %v", err)
	}
}

func TestDefaultPortsKeepClearOfOthers(t *testing.T) {
	t.Parallel()
	p := DefaultPorts
	taken := map[int]string{9092: "Kafka", 8081: "a schema registry", 9090: "Prometheus", 8080: "many things"}
	for _, port := range []int{p.Kafka, p.Registry, p.Planhat, p.Source, p.Sink} {
		if who := taken[port]; who != "" {
			t.Errorf("port %d clashes with %s", port, who)
		}
		taken[port] = "another part of the stage"
	}
}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	_, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
