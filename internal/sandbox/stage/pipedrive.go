package stage

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
)

// Account is the name of the stage's Pipedrive account.
const Account = "demo"

// What deliveries of the account's webhooks prove themselves with.
const (
	WebhookUser     = "pipedrive"
	WebhookPassword = "sandbox-webhooks"
)

// AddPipedrive adds a Pipedrive with a seeded company to the stage: Env then names it as
// account Account, with its intake on a port of Webhook. Port 0 picks a free one.
func (e *Stage) AddPipedrive(ports Ports, sim pipedrivesim.Options) error {
	e.PipedriveSimulator = pipedrivesim.New(sim)
	var err error
	if e.Pipedrive, err = e.serve(ports.Pipedrive, "pipedrive-port", e.PipedriveSimulator); err != nil {
		return err
	}
	if e.Webhook, err = freeAddress(ports.Webhook); err != nil {
		return err
	}
	e.WebhookURL = "http://" + e.Webhook
	return nil
}

// freeAddress is where a service will listen; a busy port is an error that names its flag.
func freeAddress(port int) (string, error) {
	l, err := listen(port, "webhook-port")
	if err != nil {
		return "", err
	}
	_, chosen, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		return "", fmt.Errorf("find a port for webhooks: %w", err)
	}
	n, err := strconv.Atoi(chosen)
	return Address(n), err
}

// pipedriveEnv is the account's part of Env.
func (e *Stage) pipedriveEnv() map[string]string {
	return map[string]string{
		"PIPEDRIVE_ACCOUNTS":           Account,
		"PIPEDRIVE_TOKEN":              pipedrivesim.DefaultToken,
		"PIPEDRIVE_BASE_URL":           e.Pipedrive,
		"PIPEDRIVE_WEBHOOK_URL":        e.WebhookURL,
		"PIPEDRIVE_WEBHOOK_USER":       WebhookUser,
		"PIPEDRIVE_WEBHOOK_PASSWORD":   WebhookPassword,
		"PIPEDRIVE_RECONCILE_INTERVAL": "5s",
		"PIPEDRIVE_SWEEP_INTERVAL":     "15s",
		"PIPEDRIVE_REQUESTS_PER_2S":    "100",
		"WEBHOOK_ADDR":                 e.Webhook,
	}
}
