// Package container proves the image that ships: it is small, holds the three
// programs and nothing to run besides, and source and sink work in it as they
// do in production — as nobody, read-only, without capabilities — and drain when
// they are told to stop.
//
// The image is built by the repository's Dockerfile from binaries that the test
// compiles, so that nothing is pulled. Broker, registry and vendor are in the
// test's process; the containers reach them over the host's network. Without
// a container engine the test is skipped, or fails if BRIDGE_REQUIRE_DOCKER=1.
//
// Start reading at container_test.go; image_test.go builds the image,
// engine_test.go runs containers, stage_test.go is what surrounds them.
package container

import (
	"archive/tar"
	"errors"
	"io"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

const (
	// maxSize bounds the image. What is in it is three static programs; a jump
	// is a dependency that nobody meant to ship.
	maxSize = 72 << 20
	// grace is what an engine gives a container between SIGTERM and SIGKILL:
	// the default of Kubernetes.
	grace = 30 * time.Second
)

func TestShippedImage(t *testing.T) {
	if testing.Short() {
		t.Skip("builds an image and runs containers")
	}
	e := newEngine(t)
	authority := httptest.NewTLSServer(nil)
	t.Cleanup(authority.Close)
	p := proof{engine: e, image: e.build(t, authority.Certificate())}
	t.Run("what is in it", p.contents)
	t.Run("programs tell their version", p.versions)
	t.Run("bad configuration", p.badConfiguration)
	t.Run("check", p.check)
	t.Run("source captures and drains", p.source)
	t.Run("sink executes and drains", p.sink)
}

// proof is an engine with the image that is looked at.
type proof struct {
	*engine
	image string
}

func (p proof) versions(t *testing.T) {
	for _, program := range []string{"source", "sink", "planhatctl"} {
		got := p.once(t, p.image, nil, "/"+program, "--version")
		if got.code != 0 || !strings.Contains(got.stdout, program+" "+version) {
			t.Errorf("/%s --version: %+v", program, got)
		}
	}
}

func (p proof) contents(t *testing.T) {
	info, err := p.Client().ImageInspect(t.Context(), p.image)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MiB", float64(info.Size)/(1<<20))
	if info.Size > maxSize {
		t.Errorf("%d bytes, more than %d", info.Size, maxSize)
	}
	if info.Config.User != "65532:65532" {
		t.Errorf("runs as %q", info.Config.User)
	}
	if !slices.Equal(info.Config.Cmd, []string{"/source"}) || len(info.Config.Entrypoint) > 0 {
		t.Errorf("starts %q %q", info.Config.Entrypoint, info.Config.Cmd)
	}
	if got := info.Config.Labels["org.opencontainers.image.version"]; got != version {
		t.Errorf("labelled with version %q", got)
	}
	// The whole list: no shell, no package manager, no left-over of the build.
	want := []string{"LICENSE", "etc/ssl/certs/ca-certificates.crt", "planhatctl", "sink", "source"}
	if got := p.files(t, p.image); !slices.Equal(got, want) {
		t.Errorf("holds %q, want %q", got, want)
	}
}

// files lists the files of an image that have content; the empty ones are
// where the engine mounts its own.
func (e *engine) files(t *testing.T, image string) []string {
	t.Helper()
	c := e.create(t, testcontainers.ContainerRequest{Image: image})
	export, err := e.Client().ContainerExport(t.Context(), c.GetContainerID(), client.ContainerExportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer export.Close()
	var names []string
	for r := tar.NewReader(export); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(names)
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode&0o6000 != 0 {
			t.Errorf("%s changes the user who runs it: mode %o", h.Name, h.Mode)
		}
		if h.Typeflag == tar.TypeLink || h.Typeflag == tar.TypeReg && h.Size > 0 {
			names = append(names, h.Name)
		}
	}
}

func (p proof) badConfiguration(t *testing.T) {
	env := map[string]string{
		"KAFKA_BOOTSTRAP_SERVERS":  "no port",
		"SCHEMA_REGISTRY_URL":      "not a URL",
		"PLANHAT_TOKEN":            "hush-hush",
		"TOPIC_REPLICATION_FACTOR": "many",
		"LOG_LEVEL":                "chatty",
		"PLANHAT_WORKSPACES":       "Not A Name",
	}
	for _, program := range []string{"source", "sink"} {
		got := p.once(t, p.image, env, "/"+program)
		if got.code != 2 || got.stdout != "" {
			t.Errorf("/%s: %+v", program, got)
		}
		for _, name := range slices.Sorted(maps.Keys(env)) {
			if name != "PLANHAT_TOKEN" && !strings.Contains(got.stderr, "\n  "+name+"=") {
				t.Errorf("/%s says nothing of %s on stderr:\n%s", program, name, got.stderr)
			}
		}
		if strings.Contains(got.stderr, "hush") {
			t.Errorf("/%s shows the token:\n%s", program, got.stderr)
		}
	}
}

func (p proof) check(t *testing.T) {
	s := newStage(t, 3)
	// Over TLS, too: the image trusts the authorities that it carries.
	secure := httptest.NewTLSServer(s.Simulator)
	t.Cleanup(secure.Close)
	for _, tc := range []struct {
		name, program, token, url string
		code                      int
		stdout                    string
		stderr                    []string
	}{
		{"source", "/source", stage.Token, s.Planhat, 0, "the configuration is good\n", nil},
		{"sink", "/sink", stage.Token, s.Planhat, 0, "the configuration is good\n", nil},
		{"over TLS", "/source", stage.Token, secure.URL, 0, "the configuration is good\n", nil},
		{"refused token", "/source", "hush-hush", s.Planhat, 3, "", []string{stage.Workspace, "401"}},
		{"refused token of sink", "/sink", "hush-hush", s.Planhat, 3, "", []string{stage.Workspace, "401"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := s.Env(0)
			env["PLANHAT_TOKEN"], env["PLANHAT_BASE_URL"] = tc.token, tc.url
			got := p.once(t, p.image, env, tc.program, "--check")
			if got.code != tc.code || got.stdout != tc.stdout {
				t.Errorf("%+v", got)
			}
			for _, want := range tc.stderr {
				if !strings.Contains(got.stderr, want) {
					t.Errorf("no %q on stderr:\n%s", want, got.stderr)
				}
			}
			if strings.Contains(got.stderr, "hush") {
				t.Errorf("shows the token:\n%s", got.stderr)
			}
		})
	}
}

func (p proof) source(t *testing.T) {
	s := newStage(t, 25)
	c := p.serve(t, p.image, s, "") // what the image starts by itself
	changes := s.reader(t, s.names.Changes("planhat", stage.Workspace, "company"))
	codec, err := schemas.NewCodec("planhat", "company")
	if err != nil {
		t.Fatal(err)
	}
	missing := s.companies(t)
	renamed := slices.Sorted(maps.Keys(missing))[0]
	changes.until(t, "the snapshot holds every company", func(r *kgo.Record) bool {
		change, err := codec.DecodeEnvelope(r.Value)
		if err != nil || change.Op != "r" {
			t.Fatalf("change %+v, error %v", change, err)
		}
		delete(missing, string(r.Key))
		return len(missing) == 0
	})
	s.update(t, planhat.ByID(renamed), `{"name":"Renamed Ltd"}`)
	changes.until(t, "the renamed company arrives", func(r *kgo.Record) bool {
		change, err := codec.DecodeEnvelope(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		return string(r.Key) == renamed && change.Op == "u" && strings.Contains(string(change.After), `"name":"Renamed Ltd"`)
	})
	p.drain(t, c)
}

func (p proof) sink(t *testing.T) {
	s := newStage(t, 3)
	c := p.serve(t, p.image, s, "/sink")
	results := s.reader(t, s.names.Results("planhat", stage.Workspace))
	s.send(t, "company/acme", `{"id":"c-1","op":"create","object":"company","fields":{"name":"Acme","externalId":"acme"}}`)
	results.until(t, "the command is answered", func(r *kgo.Record) bool {
		got, err := schemas.DecodeResult(r.Value)
		if err != nil || got.CommandID != "c-1" || got.Status != schemas.StatusOK || got.Effect != schemas.EffectCreated {
			t.Fatalf("result %+v (%+v), error %v", got, got.Error, err)
		}
		if !s.companies(t)[got.RecordID] {
			t.Errorf("Planhat has no company %q", got.RecordID)
		}
		return true
	})
	p.drain(t, c)
}
