package main

import (
	"context"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// product is what a service of the bridge is made of.
type product struct {
	config    config.Config
	kafka     kafka.Options
	registrar *schemas.Registrar
	resolver  schemas.Resolver
}

// product has the site's configuration with some variables set otherwise.
func (s *site) product(vars ...string) (p product, err error) {
	if p.config, err = s.config(vars...); err != nil {
		return p, err
	}
	if p.kafka, err = kafka.FromConfig(p.config.Kafka); err != nil {
		return p, err
	}
	registry, err := kafka.NewRegistry(p.config.Registry)
	if err != nil {
		return p, err
	}
	p.registrar, p.resolver = schemas.NewRegistrar(registry, true), schemas.NewResolver(registry)
	return p, nil
}

// during runs a service until its work is measured.
func during(svc service.Shell, measure func(meter) (usage, error)) (usage, error) {
	if err := svc.Prepare(context.Background()); err != nil {
		return usage{}, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	m := startMeter()
	go func() { ended <- svc.Run(ctx) }()
	u, err := measure(m)
	stop()
	if failed := <-ended; err == nil {
		err = failed
	}
	return u, err
}
