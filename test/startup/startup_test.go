// Package startup holds source and sink to what a user sees of a start that
// does not go well: the exit code, the words on stderr, and, where the process
// has to stay, its status, metrics and log.
package startup

import (
	"bytes"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// builds are the shells, by the name of their service.
var builds = map[string]service.Build{"source": source.Build, "sink": sink.Build}

func newStage(t *testing.T) *stage.Stage {
	t.Helper()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Seed: 3, Companies: 3, CallsPerMinute: -1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// environ is the stage's environment with some variables set otherwise, or
// taken out by an empty value.
func environ(s *stage.Stage, service string, set map[string]string) []string {
	vars := s.Env(0)
	vars["INSTANCE_ID"] = service + "-0"
	maps.Copy(vars, set)
	return settings.Environ(vars)
}

// end runs a service as its main does until it ends by itself.
func end(t *testing.T, name string, args, environ []string) (code int, stdout, stderr string, took time.Duration) {
	t.Helper()
	var out, errs bytes.Buffer
	begin := time.Now()
	code = ops.Main(service.Program(name, builds[name]), args, environ, &out, &errs)
	return code, out.String(), errs.String(), time.Since(begin)
}

// says fails unless text has every one of the words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("does not say %q:\n%s", w, text)
		}
	}
}

// closed is an address where nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestBadConfigurationIsToldAllAtOnce(t *testing.T) {
	t.Parallel()
	environ := []string{
		"KAFKA_BOOTSTRAP_SERVERS=nowhere", "PLANHAT_WORKSPCES=acme", "STARTUP_TIMEOUT=soon", "PLANHAT_OBJECTS=compny", "LOG_LEVEL=loud",
	}
	for name := range builds {
		for _, args := range [][]string{nil, {"--check"}, {"--print-config"}} {
			code, stdout, stderr, _ := end(t, name, args, environ)
			if code != ops.CodeBadSetup || stdout != "" {
				t.Errorf("%s %v: code %d, stdout %q", name, args, code, stdout)
			}
			says(t, stderr, name+": bad configuration, 6 faults:", `KAFKA_BOOTSTRAP_SERVERS="nowhere"`, "did you mean PLANHAT_WORKSPACES?",
				"STARTUP_TIMEOUT", "did you mean company?", "LOG_LEVEL", "PLANHAT_TOKEN: is missing")
		}
	}
}

func TestArgumentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--chekc", "run"} {
		if code, _, stderr, _ := end(t, "source", []string{arg}, nil); code != ops.CodeBadSetup || !strings.Contains(stderr, strings.TrimLeft(arg, "-")) {
			t.Errorf("%s: code %d: %s", arg, code, stderr)
		}
	}
}

func TestPrintedConfigurationHasNoSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hush-hush"
	code, stdout, stderr, _ := end(t, "sink", []string{"--print-config"}, []string{
		"PLANHAT_TOKEN=" + secret, "KAFKA_SASL_MECHANISM=PLAIN", "KAFKA_SASL_USERNAME=u", "KAFKA_SASL_PASSWORD=" + secret, "SCHEMA_REGISTRY_TOKEN=" + secret,
	})
	if code != ops.CodeDone || strings.Contains(stdout+stderr, secret) {
		t.Errorf("code %d:\n%s%s", code, stdout, stderr)
	}
	says(t, stdout, "Planhat[0].Token = ******", "Kafka.SASL.Password = ******", `Kafka.SASL.Username = "u"`)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for name := range builds {
		if code, stdout, _, _ := end(t, name, []string{"--version"}, nil); code != ops.CodeDone || !strings.HasPrefix(stdout, name+" ") {
			t.Errorf("%s: code %d: %q", name, code, stdout)
		}
	}
}

// What is not there is asked for again until STARTUP_TIMEOUT, not given up at once.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	nobody := closed(t)
	for _, tt := range []struct {
		what string
		set  map[string]string
		want string
	}{
		{"broker", map[string]string{"KAFKA_BOOTSTRAP_SERVERS": nobody, "STARTUP_TIMEOUT": "1s"}, "wait for kafka: unreachable within 1s"},
		{"registry", map[string]string{"SCHEMA_REGISTRY_URL": "http://" + nobody, "STARTUP_TIMEOUT": "1s"}, "wait for the schema registry: unreachable within 1s"},
	} {
		for name := range builds {
			t.Run(name+" without "+tt.what, func(t *testing.T) {
				t.Parallel()
				for _, args := range [][]string{nil, {"--check"}} {
					code, _, stderr, took := end(t, name, args, environ(s, name, tt.set))
					if code != ops.CodeUnreachable || took < time.Second {
						t.Errorf("%v: code %d after %s", args, code, took)
					}
					says(t, stderr, tt.want, nobody)
				}
			})
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name := range builds {
		if code, stdout, stderr, _ := end(t, name, []string{"--check"}, environ(s, name, nil)); code != ops.CodeDone || stdout != "the configuration is good\n" {
			t.Errorf("%s: code %d: %s%s", name, code, stdout, stderr)
		}
		code, stdout, stderr, _ := end(t, name, []string{"--check"}, environ(s, name, map[string]string{"PLANHAT_TOKEN": "wrong"}))
		if code != ops.CodeUnreachable || stdout != "" {
			t.Errorf("%s with a refused token: code %d: %s", name, code, stdout)
		}
		says(t, stderr, "workspace "+stage.Workspace, "unauthorized")
	}
}

func TestTopicWithTheWrongCleanupIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ topic, have, want string }{
		"source": {"planhat.changes.demo.company", "delete", "compact"},
		"sink":   {"planhat.commands.demo", "compact", "delete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			createTopic(t, s.Broker, tt.topic, tt.have)
			for _, args := range [][]string{nil, {"--check"}} {
				code, _, stderr, _ := end(t, name, args, environ(s, name, nil))
				if code != ops.CodeBadSetup {
					t.Errorf("%v: code %d", args, code)
				}
				says(t, stderr, "topic "+tt.topic+": cleanup.policy is "+tt.have+", want "+tt.want,
					"kafka-configs --bootstrap-server "+s.Broker, "--entity-name "+tt.topic+" --add-config cleanup.policy="+tt.want)
			}
		})
	}
}

func createTopic(t *testing.T, broker, name, cleanup string) {
	t.Helper()
	client, err := kafka.Options{Brokers: []string{broker}}.NewClient()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 3, 1, map[string]*string{"cleanup.policy": &cleanup}, name); err != nil {
		t.Fatal(err)
	}
}

func TestIncompatibleSchemaIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ subject, schema string }{
		"source": {"planhat.changes.demo.company-value", `{"type":"record","name":"Envelope","namespace":"planhatbridge.planhat.company","fields":[{"name":"op","type":"string"}]}`},
		"sink":   {"planhat.results.demo-value", `{"type":"record","name":"Result","namespace":"planhatbridge","fields":[{"name":"commandId","type":"string"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			client, err := sr.NewClient(sr.URLs(s.Registry))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.CreateSchema(t.Context(), tt.subject, sr.Schema{Schema: tt.schema}); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{nil, {"--check"}} {
				code, _, stderr, _ := end(t, name, args, environ(s, name, nil))
				if code != ops.CodeBadSetup {
					t.Errorf("%v: code %d", args, code)
				}
				says(t, stderr, `"`+tt.subject+`"`, "not compatible with version 1", "missing in writer schema", "remedy: ")
			}
		})
	}
}

// A port that somebody else has is the operator's to mend.
func TestBusyAdminPort(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	busy := strings.TrimPrefix(s.Planhat, "http://")
	code, _, stderr, _ := end(t, "source", nil, environ(s, "source", map[string]string{"ADMIN_ADDR": busy}))
	if code != ops.CodeBadSetup {
		t.Errorf("code %d", code)
	}
	says(t, stderr, "listen on ADMIN_ADDR "+busy)
}

// body fetches a page of the admin server.
func body(t *testing.T, url string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.String()
}
