// Command source captures changes at Planhat as events in Kafka.
package main

import (
	"os"

	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
)

func main() {
	os.Exit(ops.Main(service.Program("source", source.Build), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}
