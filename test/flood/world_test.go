package flood

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
	"github.com/planhat-bridge/planhat-bridge/test/rig/programs"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

const (
	user, password = "flood-user", "flood-passw0rd-of-some-length"
	patience       = 60 * time.Second
	topic          = "pipedrive.webhooks.acme"
)

// world is the program as a child process, before a broker.
type world struct {
	t       *testing.T
	broker  *kfake.Cluster
	binary  string
	env     []string
	cmd     *exec.Cmd
	log     bytes.Buffer // read it after the process has ended
	ended   chan error
	intake  string // URL
	ops     string // URL of the admin server
	client  *http.Client
	dialing chan struct{}

	mu      sync.Mutex
	counted map[string]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	admin, intake := port.Address(t), port.Address(t)
	w := &world{
		t: t, broker: broker, binary: binary, ops: "http://" + admin, intake: "http://" + intake, ended: make(chan error, 1),
		dialing: make(chan struct{}, 256), counted: map[string]int{},
		client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	w.env = []string{
		"KAFKA_BOOTSTRAP_SERVERS=" + broker.ListenAddrs()[0], "TOPIC_REPLICATION_FACTOR=1", "INSTANCE_ID=a", "ADMIN_ADDR=" + admin, "WEBHOOK_ADDR=" + intake,
		"SCHEMA_REGISTRY_URL=http://127.0.0.1:1", "SOURCE_COMPONENTS=webhook", "PIPEDRIVE_ACCOUNTS=acme", // there is no registry
		"PIPEDRIVE_WEBHOOK_USER=" + user, "PIPEDRIVE_WEBHOOK_PASSWORD=" + password,
	}
	w.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), w.binary)
	w.cmd.Env, w.cmd.Stdout, w.cmd.Stderr = w.env, &w.log, &w.log
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.ended <- w.cmd.Wait() }()
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		w.ended <- <-w.ended
	})
	w.eventually("the intake listens", func() bool {
		c, err := net.Dial("tcp", intake)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	return w
}

// build makes the program, of packages that the tests have compiled already.
var build = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "flood")
	if err != nil {
		return "", err
	}
	return programs.Build(folder, "source")
})

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	wait.Until(w.t, what, patience, func() bool {
		select {
		case err := <-w.ended:
			w.ended <- err
			w.t.Fatalf("ended before %s: %v\n%s", what, err, w.log.String())
		default:
		}
		return is()
	})
}

// deliver sends what Pipedrive would, and notes what was promised.
func (w *world) deliver(p *promises, sender int) bool {
	id := p.id()
	body := `{"meta":{"action":"change","entity":"deal","entity_id":"` + id + `","id":"e-` + id + `","version":"2.0"},"data":{"id":` + id +
		`,"title":"hush-hush","n":` + strconv.Itoa(sender) + `},"previous":{"x":"` + strings.Repeat("x", 2000) + `"}}`
	req, err := http.NewRequest(http.MethodPost, w.intake+"/pipedrive/acme", strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return false
	}
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := w.client.Do(req)
	if err != nil {
		w.count("webhook", "cut")
		return false
	}
	_ = resp.Body.Close()
	w.count("webhook", strconv.Itoa(resp.StatusCode))
	if resp.StatusCode != http.StatusOK {
		return false
	}
	p.add(id)
	return true
}

// watchHealth asks for the health until the result is asked for.
func (w *world) watchHealth() (end func() (answered int, slowest time.Duration)) {
	stop, done := make(chan struct{}), make(chan struct{})
	var n int
	var slowest time.Duration
	client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		defer close(done)
		w.keepOn(stop, pause, func() {
			begun := time.Now()
			resp, err := client.Get(w.ops + "/healthz")
			if err != nil {
				w.t.Errorf("health: %v", err)
				return
			}
			_ = resp.Body.Close()
			n, slowest = n+1, max(slowest, time.Since(begun))
		})
	}()
	return func() (int, time.Duration) { close(stop); <-done; return n, slowest }
}

// get is the status of an admin page.
func (w *world) get(path string) int {
	w.t.Helper()
	resp, err := w.client.Get(w.ops + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// admin reads an admin page.
func (w *world) admin(path string, into any) {
	w.t.Helper()
	resp, err := w.client.Get(w.ops + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		w.t.Fatal(err)
	}
}

// check runs --check.
func (w *world) check() (out string, code int) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), w.binary, "--check")
	cmd.Env = w.env
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// terminate ends the process as an orchestrator does.
func (w *world) terminate() {
	w.t.Helper()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		w.t.Fatal(err)
	}
	select {
	case err := <-w.ended:
		w.ended <- err
		if err != nil {
			w.t.Errorf("ended with %v\n%s", err, w.log.String())
		}
	case <-time.After(patience):
		w.t.Fatal("did not end")
	}
}

// holdTo looks on the topic for all that was promised.
func (w *world) holdTo(p *promises) {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListEndOffsets(w.t.Context(), topic)
	if err != nil {
		w.t.Fatal(err)
	}
	var left int64
	listed.Each(func(o kadm.ListedOffset) { left += o.Offset })
	there := map[string]bool{}
	for left > 0 {
		fetched := client.PollFetches(w.t.Context())
		if err := fetched.Err0(); err != nil {
			w.t.Fatal(err)
		}
		fetched.EachRecord(func(r *kgo.Record) { left--; there[string(r.Key)] = true })
	}
	lost := 0
	for _, key := range p.kept {
		if !there[key] {
			lost++
		}
	}
	if lost > 0 || len(p.kept) == 0 {
		w.t.Errorf("%d webhooks of %d that were promised are lost", lost, len(p.kept))
	}
}

// topics are all that there are.
func (w *world) topics() []string {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.broker.ListenAddrs()...))
	if err != nil {
		w.t.Fatal(err)
	}
	defer client.Close()
	listed, err := kadm.NewClient(client).ListTopics(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return listed.Names()
}

func runtimeHasNoProc() bool {
	_, err := os.Stat("/proc/self/status")
	return err != nil
}

// peakMemory is the most that the process has had.
func (w *world) peakMemory() int64 {
	w.t.Helper()
	bytes, err := programs.PeakMemory(w.cmd.Process.Pid)
	if err != nil {
		w.t.Fatal(err)
	}
	return bytes
}
