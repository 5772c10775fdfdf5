package registry

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/ops"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/internal/service"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/schemas"
	"github.com/planhat-bridge/planhat-bridge/test/rig/settings"
)

// What an operator sees of --check, from the first time to a schema that others
// have put in the way.
func TestCheckOnRealRegistry(t *testing.T) {
	r := connect(t, realURL(t))
	for name, build := range map[string]service.Build{"source": source.Build, "sink": sink.Build} {
		t.Run(name, func(t *testing.T) {
			check := checker(t, name, build, r.url)
			prefix := fresh()
			code, says := check(prefix, map[string]string{"SCHEMA_AUTO_REGISTER": "false"})
			if code != ops.CodeBadSetup || !strings.Contains(says, "POST /subjects/"+prefix+"planhat.") {
				t.Errorf("verify only, nothing registered: code %d: %s", code, says)
			}
			if code, says = check(prefix, nil); code != ops.CodeDone {
				t.Errorf("auto-register: code %d: %s", code, says)
			}
			if code, says = check(prefix, map[string]string{"SCHEMA_AUTO_REGISTER": "false"}); code != ops.CodeDone {
				t.Errorf("verify only, all registered: code %d: %s", code, says)
			}
			occupied := fresh()
			for _, subject := range []string{"planhat.changes.demo.company-value", "planhat.results.demo-value"} {
				r.post(t, "/subjects/"+occupied+subject+"/versions", map[string]string{"schema": recordOld})
			}
			code, says = check(occupied, nil)
			if code != ops.CodeBadSetup || !strings.Contains(says, "not compatible with version 1") || !strings.Contains(says, "remedy: ") {
				t.Errorf("incompatible: code %d: %s", code, says)
			}
		})
	}
}

// The registry's address without the path of its API is a mistake that many make.
func TestCheckNamesTheURLThatIsNoRegistry(t *testing.T) {
	r := connect(t, realURL(t))
	root, err := url.Parse(r.url)
	if err != nil {
		t.Fatal(err)
	}
	if root.Path == "" {
		t.Skip("this registry's API is at its root")
	}
	root.Path = "/"
	check := checker(t, "source", source.Build, root.String())
	code, says := check(fresh(), map[string]string{"STARTUP_TIMEOUT": "1s"})
	if code != ops.CodeUnreachable || !strings.Contains(says, "remedy: give SCHEMA_REGISTRY_URL with the path") {
		t.Errorf("code %d: %s", code, says)
	}
}

// A registry may hold more against a schema than the bridge does. Its word counts,
// and is passed on.
func TestRealRegistryIsStricter(t *testing.T) {
	r := connect(t, realURL(t))
	subject := fresh() + "r-value"
	r.registered(t, subject, recordNew)
	if status, answer := r.ask(t, http.MethodPut, "/config/"+subject, map[string]string{"compatibility": "FULL"}); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	// Readers of the new schema are fine; those of the old one would miss "a".
	text := `{"type":"record","name":"R","namespace":"n","fields":[{"name":"b","type":["null","string"],"default":null}]}`
	if err := schemas.Compatible(text, recordNew); err != nil {
		t.Fatal(err)
	}
	_, err := r.ensure(t, true, subject, text)
	if err == nil || !strings.Contains(err.Error(), "not compatible with version 1") || !strings.Contains(err.Error(), "ncompatible") {
		t.Errorf("got %v", err)
	}
	if got := r.versions(t, subject); len(got) != 1 {
		t.Errorf("versions %v", got)
	}
}

// checker runs --check of a service on a stage whose registry is at url.
func checker(t *testing.T, name string, build service.Build, url string) func(prefix string, vars map[string]string) (int, string) {
	t.Helper()
	s, err := stage.New(stage.Ports{}, planhatsim.Options{Seed: 3, Companies: 1, CallsPerMinute: -1}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return func(prefix string, vars map[string]string) (int, string) {
		env := s.Env(0)
		env["SCHEMA_REGISTRY_URL"], env["TOPIC_PREFIX"], env["INSTANCE_ID"] = url, prefix, name+"-0"
		maps.Copy(env, vars)
		var stdout, stderr bytes.Buffer
		code := ops.Main(service.Program(name, build), []string{"--check"}, settings.Environ(env), &stdout, &stderr)
		return code, stderr.String()
	}
}
