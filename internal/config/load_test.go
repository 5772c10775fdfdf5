package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

var objects = []string{"company", "enduser", "note", "license"}

const apiToken = "0123456789abcdef0123456789abcdef01234567"

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if that is meant, run go test -update:\n%s", path, diff)
	}
}

func load(t *testing.T, environ ...string) Config {
	t.Helper()
	c, err := Load(environ, objects)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Each folder entry is an environment with faults and the whole of what is
// said about it.
func TestBadConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.env")
	if err != nil || len(files) == 0 {
		t.Fatal("no bad configurations", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".env"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(strings.Split(string(text), "\n"), objects)
			if !errors.As(err, new(Faults)) {
				t.Fatalf("accepted, or not Faults: %v", err)
			}
			if strings.Contains(err.Error(), "t0psecret") {
				t.Error("a secret is shown")
			}
			golden(t, strings.TrimSuffix(file, ".env")+".txt", err.Error()+"\n")
		})
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, "PLANHAT_TOKEN=x", "INSTANCE_ID=pod-0")
	golden(t, "testdata/defaults.golden", c.Print())
}

func TestEverythingSet(t *testing.T) {
	c := load(t,
		"BRIDGE_NAME=eu", "INSTANCE_ID=pod-1", "TOPIC_PREFIX=crm.", "TOPIC_PARTITIONS=6", "TOPIC_REPLICATION_FACTOR=3",
		"KAFKA_BOOTSTRAP_SERVERS=a:1, b:2,", "KAFKA_CLIENT_ID=me", "KAFKA_LOG_LEVEL=error", "KAFKA_CREATE_TOPICS=FALSE",
		"KAFKA_TLS_ENABLED=true", "KAFKA_TLS_CA_FILE=/ca", "KAFKA_TLS_CERT_FILE=/crt", "KAFKA_TLS_KEY_FILE=/key", "KAFKA_TLS_SERVER_NAME=k",
		"KAFKA_SASL_MECHANISM=OAUTHBEARER", "KAFKA_OAUTH_TOKEN_URL=https://idp/token/", "KAFKA_OAUTH_CLIENT_ID=id",
		"KAFKA_OAUTH_CLIENT_SECRET=s3", "KAFKA_OAUTH_SCOPE=s", "KAFKA_OAUTH_EXTENSIONS=logicalCluster=lkc-1,identityPoolId=p",
		"SCHEMA_REGISTRY_URL=https://r/apis/ccompat/v7/,http://r2:8081", "SCHEMA_REGISTRY_TOKEN_FILE=testdata/token", "SCHEMA_REGISTRY_CA_FILE=/rca",
		"SCHEMA_AUTO_REGISTER=0", "SOURCE_BUDGET_SHARE=1", "SINK_REFERENCE_WAIT=0s", "SINK_LINGER=1s", "SINK_MAX_BATCH=7",
		"SHARD_SESSION_TIMEOUT=60s", "CALL_DEADLINE=20s", "ADMIN_ADDR=127.0.0.1:0", "STARTUP_TIMEOUT=5m", "LOG_LEVEL=debug", "LOG_FORMAT=text",
		"PLANHAT_WORKSPACES=acme-eu,beta", "PLANHAT_ACME_EU_TOKEN=t", "PLANHAT_ACME_EU_OBJECTS=company, note", "PLANHAT_ACME_EU_COMPANY_IDS=6b01fcb5ff4ae39f6b000000,6b01fcb5ff4ae39f6b000001",
		"PLANHAT_ACME_EU_BASE_URL=http://localhost:1/base/", "PLANHAT_ACME_EU_CALLS_PER_MINUTE=10", "PLANHAT_ACME_EU_FRESHNESS=note:5s, *:1h", "PLANHAT_ACME_EU_DELETE_GUARD=listing:20%, listing:400",
		"PLANHAT_BETA_TOKEN_FILE=testdata/token",
		"SOURCE_COMPONENTS=webhook, poller", "WEBHOOK_ADDR=127.0.0.1:8090", "PIPEDRIVE_ACCOUNTS=eu,us-1",
		"PIPEDRIVE_EU_TOKEN="+apiToken, "PIPEDRIVE_EU_BASE_URL=https://Acme.pipedrive.com/api/v1", "PIPEDRIVE_EU_WEBHOOK_URL=https://hooks.example.com/",
		"PIPEDRIVE_EU_WEBHOOK_USER=pipedrive", "PIPEDRIVE_EU_WEBHOOK_PASSWORD=s4", "PIPEDRIVE_EU_WEBHOOK_PASSWORD_PREVIOUS_FILE=testdata/token",
		"PIPEDRIVE_EU_OBJECTS=deal, note", "PIPEDRIVE_EU_RECONCILE_INTERVAL=5m", "PIPEDRIVE_EU_SWEEP_INTERVAL=12h", "PIPEDRIVE_EU_REQUESTS_PER_2S=40",
		"PIPEDRIVE_EU_DAILY_TOKEN_SHARE=0.25", "PIPEDRIVE_EU_DELETE_GUARD=listing:20%, account:5%",
		"PIPEDRIVE_US_1_TOKEN_FILE=testdata/apitoken", "PIPEDRIVE_US_1_BASE_URL=acme-us",
		"PATH=/bin", "HOME=/",
	)
	golden(t, "testdata/everything.golden", c.Print())
	if got := c.Planhat[0].Freshness; got.For("note") != 5*time.Second || got.For("company") != time.Hour {
		t.Errorf("freshness %v", got)
	}
	if got := c.Planhat[1].Token.Current(); got != "file-token" {
		t.Errorf("token from file %q: the newline must go", got)
	}
}

func TestOnlyWorkspaceWithItsNameOrWithout(t *testing.T) {
	for _, variable := range []string{"PLANHAT_TOKEN", "PLANHAT_ACME_TOKEN"} {
		c := load(t, "PLANHAT_WORKSPACES=acme", variable+"=x")
		if len(c.Planhat) != 1 || c.Planhat[0].Name != "acme" || c.Planhat[0].Token.Current() != "x" {
			t.Errorf("%s: got %s", variable, c.Print())
		}
	}
}

// A Kubernetes service called "kafka" or "planhat-bridge" puts such variables
// into every pod of its namespace.
func TestVariablesOfKubernetesServicesAreLeftAlone(t *testing.T) {
	environ := []string{"PLANHAT_TOKEN=x"}
	for _, svc := range []string{"KAFKA", "KAFKA_BOOTSTRAP", "PLANHAT_BRIDGE", "SCHEMA_REGISTRY", "BRIDGE_ADMIN", "SINK_X", "SOURCE_X", "TOPIC_OPERATOR", "ADMIN_X"} {
		environ = append(environ,
			svc+"_SERVICE_HOST=10.0.0.1", svc+"_SERVICE_PORT=9092", svc+"_SERVICE_PORT_TCP_CLIENTS=9092",
			svc+"_PORT=tcp://10.0.0.1:9092", svc+"_PORT_9092_TCP=tcp://10.0.0.1:9092", svc+"_PORT_9092_TCP_PROTO=tcp",
			svc+"_PORT_9092_TCP_PORT=9092", svc+"_PORT_9092_TCP_ADDR=10.0.0.1", svc+"_PORT_53_UDP=udp://10.0.0.1:53")
	}
	load(t, environ...)
	// The same shapes of names do not open a door for misspelt ones.
	for _, bad := range []string{"KAFKA_PORT=9092", "KAFKA_SERVICE_HOSTS=x", "KAFKA_PORT_X_TCP=1", "PLANHAT_SERVICE=1"} {
		if _, err := Load(append(environ, bad), objects); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestFaultsComeAllAtOnceAndSorted(t *testing.T) {
	_, err := Load([]string{"LOG_LEVEL=x", "ADMIN_ADDR=x", "KAFKA_X=1"}, objects)
	var fs Faults
	if !errors.As(err, &fs) {
		t.Fatal(err)
	}
	var names []string
	for _, f := range fs {
		names = append(names, f.Variable)
	}
	if diff := cmp.Diff([]string{"ADMIN_ADDR", "KAFKA_X", "LOG_LEVEL", "PLANHAT_TOKEN"}, names); diff != "" {
		t.Error(diff)
	}
}

// Every way of showing a configuration, for every secret there is.
func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	const s = "t0psecret"
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	configs := []Config{
		load(t, "PLANHAT_WORKSPACES=default", "PLANHAT_TOKEN="+s, "PIPEDRIVE_ACCOUNTS=acme", "PIPEDRIVE_TOKEN="+s+strings.Repeat("0", 31), "PIPEDRIVE_BASE_URL=acme",
			"PIPEDRIVE_WEBHOOK_USER=u", "PIPEDRIVE_WEBHOOK_PASSWORD="+s, "PIPEDRIVE_WEBHOOK_PASSWORD_PREVIOUS="+s, "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME=u", "KAFKA_SASL_PASSWORD="+s, "SCHEMA_REGISTRY_TOKEN="+s),
		load(t, "PLANHAT_TOKEN_FILE="+file, "KAFKA_SASL_MECHANISM=OAUTHBEARER", "KAFKA_OAUTH_TOKEN_URL=http://x", "KAFKA_OAUTH_CLIENT_ID=i",
			"KAFKA_OAUTH_CLIENT_SECRET="+s, "SCHEMA_REGISTRY_USERNAME=u", "SCHEMA_REGISTRY_PASSWORD="+s),
	}
	for _, c := range configs {
		if c.Planhat[0].Token.Current() != s {
			t.Fatal("the secret is not there at all")
		}
		asJSON, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var jsonLog, textLog strings.Builder
		slog.New(slog.NewJSONHandler(&jsonLog, nil)).Info("x", "config", c, "token", c.Planhat[0].Token)
		slog.New(slog.NewTextHandler(&textLog, nil)).Info("x", "config", c, "token", c.Planhat[0].Token)
		for name, text := range map[string]string{
			"Print": c.Print(), "JSON": string(asJSON), "slog JSON": jsonLog.String(), "slog text": textLog.String(),
			"token": fmt.Sprintf("%v %+v %#v %s %q %x %d", c.Planhat[0].Token, c.Planhat[0].Token, c.Planhat[0].Token, c.Planhat[0].Token, c.Planhat[0].Token, c.Planhat[0].Token, c.Planhat[0].Token),
			"%v":    fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c), "%#v": fmt.Sprintf("%#v", c), "%x": fmt.Sprintf("%x %x", c.Planhat, c.Pipedrive),
		} {
			if strings.Contains(text, s) || strings.Contains(text, fmt.Sprintf("%x", s)) {
				t.Errorf("%s shows the secret: %s", name, text)
			}
		}
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	golden(t, "../../docs/configuration.md", Reference())
}

// Whatever stands in the environment, Load ends, and a bad one says so.
func FuzzLoad(f *testing.F) {
	f.Add("PLANHAT_TOKEN=x\nKAFKA_OAUTH_EXTENSIONS==,=\nSINK_MAX_BATCH=\xff")
	f.Add("PLANHAT_WORKSPACES=a,a,,b\nPLANHAT_A_TOKEN=x\nPLANHAT__TOKEN=y\nPLANHAT_=")
	f.Add("PIPEDRIVE_ACCOUNTS=a,b-c\nPIPEDRIVE_A_TOKEN=" + apiToken + "\nPIPEDRIVE_A_BASE_URL=https://[::1\nPIPEDRIVE_B_C_WEBHOOK_URL=http://a%\nSOURCE_COMPONENTS=webhook")
	f.Add("SCHEMA_REGISTRY_URL=http://[::1\nADMIN_ADDR=:\nKAFKA_BOOTSTRAP_SERVERS=:1,[::]:2")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Load(strings.Split(text, "\n"), objects)
		if err == nil {
			if len(c.Planhat)+len(c.Pipedrive) == 0 || len(c.Kafka.Brokers) == 0 || len(c.Registry.URLs) == 0 || c.Print() == "" {
				t.Errorf("accepted, but unusable: %s", c.Print())
			}
			return
		}
		var fs Faults
		if !errors.As(err, &fs) || len(fs) == 0 || fs.Error() == "" {
			t.Errorf("got %v", err)
		}
	})
}
