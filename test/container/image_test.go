package container

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

const (
	version = "v0.0.0-container"
	module  = "github.com/planhat-bridge/planhat-bridge"
)

// build makes the image from the repository's Dockerfile and from binaries
// compiled here; the image trusts authority alone. It is removed in the end.
func (e *engine) build(t *testing.T, authority *x509.Certificate) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile", ".dockerignore", "LICENSE"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), content)
	}
	compile(t, root, filepath.Join(dir, "bin", "image"))
	write(t, filepath.Join(dir, "bin", "image", "etc", "ssl", "certs", "ca-certificates.crt"),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}))

	label, out := version, &strings.Builder{}
	request := testcontainers.ContainerRequest{FromDockerfile: testcontainers.FromDockerfile{
		Context: dir, Repo: "planhat-bridge-test", BuildArgs: map[string]*string{"VERSION": &label}, BuildLogWriter: out,
		BuildOptionsModifier: func(o *client.ImageBuildOptions) { o.Target = "prebuilt" },
	}}
	image, err := e.BuildImage(t.Context(), &request)
	if err != nil {
		t.Fatalf("build the image: %v\n%s", err, out)
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		if _, err := e.Client().ImageRemove(ctx, image, client.ImageRemoveOptions{Force: true, PruneChildren: true}); err != nil {
			t.Errorf("remove the image: %v", err)
		}
	})
	return image
}

// compile builds the programs as `make image PREBUILT=1` does.
func compile(t *testing.T, root, into string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X "+module+"/internal/ops.version="+version,
		"-o", into+string(filepath.Separator), "./cmd/source", "./cmd/sink", "./cmd/planhatctl")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile the programs: %v\n%s", err, out)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}
