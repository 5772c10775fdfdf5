package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// People paste the company's address as the browser, the docs or Planhat's own
// settings page shows it.
func TestEverySpellingOfACompanyIsAccepted(t *testing.T) {
	for _, spelling := range []string{
		"acme", "Acme", "acme-2", "acme.pipedrive.com", "acme.pipedrive.com/", "ACME.Pipedrive.com", "acme.pipedrive.com.", "https://acme.pipedrive.com",
		"https://acme.pipedrive.com/", "https://acme.pipedrive.com:443", "https://acme.pipedrive.com/v1", "https://acme.pipedrive.com/v1/",
		"https://acme.pipedrive.com/api/v1", "https://acme.pipedrive.com/api/v2/", "acme.pipedrive.com/v1", "https://acme.pipedrive.com/pipeline/1",
		"https://acme.pipedrive.com/deals/filter/2?x=1#y", "api.pipedrive.com", "127.0.0.1:8080", "http://127.0.0.1:8080", "http://localhost:8080/v1", "http://simulator:8080", "https://proxy.example.com/pipedrive",
	} {
		c := load(t, "PIPEDRIVE_ACCOUNTS=acme", "PIPEDRIVE_TOKEN="+apiToken, "PIPEDRIVE_BASE_URL= "+spelling+" ")
		if got := c.Pipedrive[0].BaseURL; got != spelling {
			t.Errorf("%q is taken for %q", spelling, got)
		}
	}
}

func TestWhatCannotBeACompanyIsRefusedWithItsReason(t *testing.T) {
	for spelling, want := range map[string]string{
		"pipedrive.com":                    "is no company's address",
		"https://app.pipedrive.com/auth":   "is no company's address",
		"https://acme.pipedrive.com:8080":  "names port 8080",
		"https://eu.acme.pipedrive.com":    `"eu.acme" is no company's name`,
		"acme_1":                           `"acme_1" is no company's name`,
		"acme.pipedrive.co":                "did you mean acme.pipedrive.com?",
		"https://acme.pipedrive.io/v1":     "did you mean acme.pipedrive.com?",
		"acme.pipedriv.com":                "write https:// in front of it",
		"https://api.planhat.com":          "Planhat's",
		"https://u:t0p@acme.pipedrive.com": "holds a user name",
		"ftp://acme.pipedrive.com":         "want https://",
		"https://":                         "has no host",
		"https://acme pipedrive":           "cannot be read",
		apiToken:                           "looks like an API token",
	} {
		_, err := Load([]string{"PIPEDRIVE_ACCOUNTS=acme", "PIPEDRIVE_TOKEN=" + apiToken, "PIPEDRIVE_BASE_URL=" + spelling}, objects)
		if err == nil || !strings.Contains(err.Error(), "PIPEDRIVE_BASE_URL") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "t0p@") || strings.Contains(err.Error(), apiToken) {
			t.Errorf("%q: want a fault that says %q, got %v", spelling, want, err)
		}
	}
}

func TestAccountsAloneNeedNoWorkspace(t *testing.T) {
	account := []string{"PIPEDRIVE_ACCOUNTS=acme", "PIPEDRIVE_TOKEN=" + apiToken, "PIPEDRIVE_BASE_URL=acme"}
	if c := load(t, account...); len(c.Planhat) != 0 || len(c.Pipedrive) != 1 || c.Pipedrive[0].Token.Current() != apiToken {
		t.Errorf("got %s", c.Print())
	}
	if c := load(t, append(account, "PLANHAT_WORKSPACES=beta", "PLANHAT_TOKEN=x")...); len(c.Planhat) != 1 || c.Planhat[0].Name != "beta" {
		t.Errorf("got %s", c.Print())
	}
	if c := load(t, "PLANHAT_TOKEN=x"); len(c.Planhat) != 1 || c.Planhat[0].Name != "default" || c.Pipedrive != nil {
		t.Errorf("got %s", c.Print())
	}
}

// The intake is what faces the internet: it is not given what it does not need.
func TestTheWebhookPartAloneNeedsNoToken(t *testing.T) {
	login := []string{"PIPEDRIVE_ACCOUNTS=acme,quiet", "PIPEDRIVE_ACME_WEBHOOK_USER=u", "PIPEDRIVE_ACME_WEBHOOK_PASSWORD=p"}
	c := load(t, append(login, "SOURCE_COMPONENTS=webhook")...)
	if !c.Has(Webhook) || c.Has(Poller) || !c.Pipedrive[0].Takes() || c.Pipedrive[1].Takes() {
		t.Errorf("got %s", c.Print())
	}
	if c := load(t, append(login, "SOURCE_COMPONENTS=webhook", "PLANHAT_WORKSPACES=beta")...); c.Planhat[0].Token.IsSet() {
		t.Errorf("got %s", c.Print())
	}
	_, err := Load(append(login, "SOURCE_COMPONENTS=poller"), objects)
	for _, want := range []string{"PIPEDRIVE_ACME_TOKEN", "PIPEDRIVE_ACME_BASE_URL", "PIPEDRIVE_QUIET_TOKEN", "PIPEDRIVE_QUIET_BASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), want+": is missing") {
			t.Errorf("a poller without %s: %v", want, err)
		}
	}
}

func TestTheAddressForPipedriveIsWhole(t *testing.T) {
	for given, want := range map[string]string{
		"https://hooks.example.com": "https://hooks.example.com/pipedrive/acme-eu", "https://hooks.example.com/": "https://hooks.example.com/pipedrive/acme-eu",
		"https://hooks.example.com/crm/in": "https://hooks.example.com/crm/in", "http://127.0.0.1:8080": "http://127.0.0.1:8080/pipedrive/acme-eu",
		"http://localhost:1/a": "http://localhost:1/a", "http://[::1]:1": "http://[::1]:1/pipedrive/acme-eu",
	} {
		c := load(t, "PIPEDRIVE_ACCOUNTS=acme-eu", "PIPEDRIVE_TOKEN="+apiToken, "PIPEDRIVE_BASE_URL=acme",
			"PIPEDRIVE_WEBHOOK_URL="+given, "PIPEDRIVE_WEBHOOK_USER=u", "PIPEDRIVE_WEBHOOK_PASSWORD=p")
		if got := c.Pipedrive[0].WebhookURL; got != want {
			t.Errorf("%s becomes %s, want %s", given, got, want)
		}
	}
}

// Tools that read topics are started beside the variables of the services, with
// secrets that they may not read.
func TestNamesAreReadWithoutSecrets(t *testing.T) {
	c, err := LoadNames([]string{
		"PIPEDRIVE_ACCOUNTS=b,a", "PIPEDRIVE_B_TOKEN_FILE=/nowhere", "PIPEDRIVE_X=1", "PLANHAT_WORKSPACES=w", "PLANHAT_TOKEN_FILE=/nowhere",
		"SOURCE_COMPONENTS=webhook", "KAFKA_BOOTSTRAP_SERVERS=k:1",
	}, objects)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range c.Pipedrive {
		names = append(names, a.Name)
	}
	if !slices.Equal(names, []string{"b", "a"}) || len(c.Planhat) != 1 || c.Planhat[0].Name != "w" || c.Kafka.Brokers[0] != "k:1" {
		t.Errorf("got %s", c.Print())
	}
	if _, err := LoadNames([]string{"PIPEDRIVE_ACCOUNTS=A"}, objects); err == nil {
		t.Error("a bad name is accepted")
	}
}

func TestAccountDefaults(t *testing.T) {
	a := load(t, "PIPEDRIVE_ACCOUNTS=acme", "PIPEDRIVE_TOKEN="+apiToken, "PIPEDRIVE_BASE_URL=acme").Pipedrive[0]
	if a.ReconcileInterval != 15*time.Minute || a.SweepInterval != 24*time.Hour || a.RequestsPer2s != 20 || a.DailyTokenShare != 1 ||
		a.Objects != nil || a.WebhookURL != "" || a.Takes() || a.DeleteGuard.String() != "listing:33%,account:10%" || a.DeleteGuard.Workspace.Share != 0.1 {
		t.Errorf("got %+v", a)
	}
}
