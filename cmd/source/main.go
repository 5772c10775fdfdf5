// Command source captures changes at Planhat and Pipedrive as events in Kafka,
// and takes the webhooks of Pipedrive. SOURCE_COMPONENTS runs one part alone.
package main

import (
	"os"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
)

func main() {
	os.Exit(ops.Main(service.Program("source", service.Compose(
		service.Component{Name: "source", Wanted: polls, Registry: true, Build: source.Build},
		service.Component{Name: "webhook", Wanted: webhook.Wanted, Build: webhook.Build},
	)), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

func polls(cfg config.Config) bool { return cfg.Has(config.Poller) }
