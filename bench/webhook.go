package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/webhook"
)

const (
	hookUser, hookPassword = "pipedrive", "Jm1Z6r0Yx4e7kqv2w9t3u8s5a0b1c2d3"
	hookClients            = 64
	hookAddr               = "WEBHOOK_ADDR" // in the site's environment: where the child listens
)

// webhookBody is an event as Pipedrive sends it when a deal changes.
func webhookBody(n int) string {
	const hash = "9dc80c50d78a15643bfc4ca79d76156a73a1ca%02x"
	var custom []string
	for i := range 12 {
		custom = append(custom, fmt.Sprintf(`"`+hash+`":{"type":"varchar","value":"some words of no weight %d"}`, i, n))
	}
	return fmt.Sprintf(`{"data":{"id":%d,"title":"Deal %d","value":1200.5,"currency":"EUR","status":"open","stage_id":3,"pipeline_id":1,"org_id":%d,"person_id":%d,`+
		`"owner_id":12,"creator_user_id":12,"probability":null,"label_ids":[],"visible_to":"3","origin":"ManuallyCreated","origin_id":null,"channel":null,"channel_id":null,`+
		`"lost_reason":null,"add_time":"2026-01-05T10:00:00Z","update_time":"2026-11-02T09:12:44Z","stage_change_time":"2026-10-30T08:00:00Z","close_time":null,"won_time":null,`+
		`"lost_time":null,"first_won_time":null,"expected_close_date":"2026-12-31","custom_fields":{%s}},"previous":{"stage_id":2,"update_time":"2026-10-01T00:00:00Z"},`+
		`"meta":{"action":"change","company_id":"7654321","correlation_id":"0b8e6a5e-5a57-4d0f-9d5f-1f1d1a0a%04x","entity_id":"%d","entity":"deal","id":"d2f0a8a1-7e0a-4c0e-8a7d-6a6b%08x",`+
		`"is_bulk_edit":false,"timestamp":"2026-11-02T09:12:44.123Z","type":"general","user_id":"12","version":"2.0","webhook_id":"900","webhook_owner_id":"12","change_source":"app",`+
		`"permitted_user_ids":["12","13","14"],"attempt":1,"host":"acme.pipedrive.com"}}`, n, n, n/3, n/2, strings.Join(custom, ","), n&0xffff, n, n)
}

// driveWebhooks is Pipedrive: clients that send one webhook after the other.
func driveWebhooks(s *site) (time.Duration, error) {
	address := s.Env[hookAddr]
	if err := answers(address); err != nil {
		return 0, err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: hookClients}}
	defer client.CloseIdleConnections()
	var (
		wg   sync.WaitGroup
		next atomic.Int64
		took = make([]time.Duration, s.Records)
		errs = make([]error, hookClients)
	)
	for c := range hookClients {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < s.Records && errs[c] == nil; n = int(next.Add(1)) - 1 {
				begun := time.Now()
				errs[c] = sendWebhook(client, address, webhookBody(n))
				took[n] = time.Since(begun)
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return took[len(took)*99/100], errors.Join(errs...)
}

// answers waits until somebody listens.
func answers(address string) error {
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) { //nolint:forbidigo // another process's start
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			return err
		}
	}
}

func sendWebhook(client *http.Client, address, body string) error {
	req, err := http.NewRequest(http.MethodPost, "http://"+address+webhook.Path+"bench", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(hookUser, hookPassword)
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a webhook was answered %s: %w", resp.Status, err)
	}
	return nil
}

// floorWebhook: check the password, read, produce, wait, answer.
func floorWebhook(s *site) (usage, error) {
	client, err := s.client([]kafka.TopicSpec{floorTopic})
	if err != nil {
		return usage{}, err
	}
	defer client.Close()
	var left atomic.Int64
	left.Store(int64(s.Records))
	done := make(chan struct{})
	server := &http.Server{Addr: s.Env[hookAddr], Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if subtle.ConstantTimeCompare([]byte(user), []byte(hookUser))&subtle.ConstantTimeCompare([]byte(password), []byte(hookPassword)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = client.ProduceSync(r.Context(), &kgo.Record{Topic: floorTopic.Name, Value: body}).FirstErr()
		}
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
		if left.Add(-1) == 0 {
			close(done)
		}
	})}
	failed := make(chan error, 1)
	m := startMeter()
	go func() { failed <- server.ListenAndServe() }()
	select {
	case <-done:
	case err := <-failed:
		return usage{}, err
	}
	u := m.stop(s.Records)
	return u, server.Shutdown(context.Background())
}

// productWebhook is the intake alone.
func productWebhook(s *site) (usage, error) {
	p, err := s.product("SOURCE_COMPONENTS=webhook", "PIPEDRIVE_ACCOUNTS=bench", "PIPEDRIVE_WEBHOOK_USER="+hookUser, "PIPEDRIVE_WEBHOOK_PASSWORD="+hookPassword)
	if err != nil {
		return usage{}, err
	}
	svc := webhook.New(p.config, webhook.Deps{Kafka: p.kafka, Registerer: prometheus.NewRegistry()})
	return during(svc, func(m meter) (usage, error) {
		for stored(svc) < int64(s.Records) {
			time.Sleep(lookEvery) //nolint:forbidigo // the work is another goroutine's
		}
		return m.stop(s.Records), nil
	})
}

// stored is how many webhooks were answered 200.
func stored(svc *webhook.Service) int64 {
	status, _ := svc.Status().(webhook.Status)
	return status.Accounts[0].Requests["stored"]
}
