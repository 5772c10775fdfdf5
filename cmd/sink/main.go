// Command sink executes commands from Kafka at Planhat and answers each once.
package main

import (
	"os"

	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
)

func main() {
	ops.CollectAt(sink.GCPercent, os.Environ())
	os.Exit(ops.Main(service.Program("sink", sink.Build), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
