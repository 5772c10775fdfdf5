package ctl

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	pipedriveapi "github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// anAccount serves a Pipedrive whose clock stands at noon.
func anAccount(t *testing.T) (sim *pipedrivesim.Server, url string) {
	t.Helper()
	sim = pipedrivesim.New(pipedrivesim.Options{Seed: 1, Now: func() time.Time { return noon }})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.CloseClientConnections(); web.Close() })
	return sim, web.URL
}

const webhookURL = "http://127.0.0.1:18083/pipedrive/demo"

func TestDoctorOfAnAccount(t *testing.T) {
	c := newClinic(t, planhatsim.Options{Companies: -1})
	_, url := anAccount(t)
	c.set("PLANHAT_WORKSPACES", "", "PIPEDRIVE_ACCOUNTS", "demo", "PIPEDRIVE_TOKEN", pipedrivesim.DefaultToken, "PIPEDRIVE_BASE_URL", url,
		"PIPEDRIVE_WEBHOOK_URL", webhookURL, "PIPEDRIVE_WEBHOOK_USER", "u", "PIPEDRIVE_WEBHOOK_PASSWORD", "hush-hush-hush-hush")
	delete(c.env, "PLANHAT_ACME_TOKEN")
	delete(c.env, "PLANHAT_ACME_BASE_URL")
	c.names[url] = "PIPEDRIVE"
	c.prepare()
	so := c.adminServer("SOURCE", "kafka: ok\nschema registry: ok\n", `{"source":{"accounts":[{"name":"demo","state":"budget_spent","cause":"none left","webhooks":{"state":"failing","cause":"503"},`+
		`"streams":[{"name":"deal","state":"ok","deletes_held":true}]}]},"webhook":{}}`)
	got := c.run("--role", "source", "--source-url", so)
	for _, object := range []string{"deal", "person"} {
		hook(t, url, object)
	}
	got += c.run("--role", "source", "-o", "json")
	c.set("PIPEDRIVE_TOKEN", strings.Repeat("0", 40))
	got += c.run("--role", "source")
	c.set("PIPEDRIVE_TOKEN", "hush")
	got += c.run("--role", "source", "--account", "demo")
	c.set("PIPEDRIVE_TOKEN", pipedrivesim.DefaultToken, "PIPEDRIVE_BASE_URL", "http://127.0.0.1:1")
	got += c.run("--role", "source")
	if strings.Contains(got, pipedrivesim.DefaultToken) {
		t.Error("the token is shown")
	}
	golden(t, "doctor_account", got)
}

func TestSampleOfAnAccount(t *testing.T) {
	t.Parallel()
	sim, url := anAccount(t)
	id, err := sim.Create("deal", `{"title":"A & B","value":10}`)
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PIPEDRIVE_ACCOUNTS": "demo", "PIPEDRIVE_TOKEN": pipedrivesim.DefaultToken, "PIPEDRIVE_BASE_URL": url, "KAFKA_SASL_MECHANISM": "nonsense"}
	run := func(line string) string {
		return command(t, env, map[string]string{url: "PIPEDRIVE"}, append([]string{"sample"}, strings.Fields(line)...)...)
	}
	got := run("deal --account demo") + run("pipeline --account demo -o pretty") + run("deal --account demo --id 9") + run("deal --account demo --id x") +
		run("company --account demo") + run("deal") + run("deal --account other")
	if err := sim.Delete("deal", id); err != nil {
		t.Fatal(err)
	}
	got += run("deal --account demo --id " + strconv.FormatInt(id, 10))
	env["PIPEDRIVE_TOKEN"] = strings.Repeat("0", 40)
	got += run("deal --account demo")
	if strings.Contains(got, pipedrivesim.DefaultToken) {
		t.Error("the token is shown")
	}
	golden(t, "sample_account", got)
}

// hook subscribes to an object as the source does.
func hook(t *testing.T, url, object string) {
	t.Helper()
	at, err := pipedriveapi.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client, err := pipedriveapi.New(at, func() string { return pipedrivesim.DefaultToken })
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	if _, err := client.CreateWebhook(t.Context(), pipedriveapi.NewWebhook{Name: "n", URL: webhookURL, Action: "*", Object: object}); err != nil {
		t.Fatal(err)
	}
}
