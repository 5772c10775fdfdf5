package scale

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/source"
	"github.com/planhat-bridge/planhat-bridge/test/rig/port"
	"github.com/planhat-bridge/planhat-bridge/test/rig/programs"
)

// build makes the program.
func build(t *testing.T, name string) string {
	t.Helper()
	binary, err := programs.Build(t.TempDir(), name, "CGO_ENABLED=0")
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// process is a source under way.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	log   bytes.Buffer // read it after the process has ended
	admin string
	ended chan error
	wait  time.Duration // for a condition
}

func start(t *testing.T, binary string, env map[string]string) *process {
	t.Helper()
	p := &process{t: t, admin: port.Address(t), ended: make(chan error, 1), wait: patience(0)}
	p.cmd = exec.CommandContext(t.Context(), binary)
	p.cmd.Env = []string{"ADMIN_ADDR=" + p.admin, "INSTANCE_ID=source-0"}
	for k, v := range env {
		if k != "ADMIN_ADDR" {
			p.cmd.Env = append(p.cmd.Env, k+"="+v)
		}
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p
}

// stop drains the process.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Fatalf("the source ended with %v:\n%s", err, p.log.String())
		}
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		p.t.Fatalf("the source did not drain within 30 s:\n%s", p.log.String())
	}
}

// kill ends the process with SIGKILL.
func (p *process) kill() {
	p.t.Helper()
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// untilUpdates waits until the process has committed an update.
func (p *process) untilUpdates() {
	p.t.Helper()
	updates := regexp.MustCompile(`(?m)^planhat_bridge_source_changes_total\{.*op="u".*\} [1-9]`)
	p.until("update", func(map[string]source.StreamStatus) bool {
		resp, err := http.Get("http://" + p.admin + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && updates.Match(text)
	})
}

// until waits for a condition on the streams of the only workspace.
func (p *process) until(what string, reached func(map[string]source.StreamStatus) bool) {
	p.t.Helper()
	deadline := time.NewTimer(p.wait)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		streams, err := p.streams()
		if err == nil && len(streams) > 0 && reached(streams) {
			return
		}
		select {
		case err := <-p.ended:
			p.t.Fatalf("the source ended with %v before %s:\n%s", err, what, p.log.String())
		case <-deadline.C:
			p.t.Fatalf("no %s within %s: %v, streams %+v", what, p.wait, err, streams)
		case <-tick.C:
		}
	}
}

func (p *process) streams() (map[string]source.StreamStatus, error) {
	resp, err := http.Get("http://" + p.admin + "/status")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var status struct {
		Source source.Status `json:"source"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return nil, err
	}
	out := map[string]source.StreamStatus{}
	for _, w := range status.Source.Workspaces {
		for _, s := range w.Streams {
			out[s.Name] = s
		}
	}
	return out, nil
}

// cpu is the processor time that the process has used; it has ended.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// spent is the processor time that the process has used so far; 0 where the system
// does not tell.
func (p *process) spent() time.Duration {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system, ticks = 11, 12, 100 // places behind the name, and ticks a second, which Linux has on all machines
	var sum int
	for _, field := range [][]byte{fields[user], fields[system]} {
		n, err := strconv.Atoi(string(field))
		if err != nil {
			p.t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// peak prints the most memory that the process has had since it started, which
// must not be more than most MiB.
func (p *process) peak(t *testing.T, after string, most int) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Log("the memory of the source is only looked at on Linux")
		return
	}
	bytes, err := programs.PeakMemory(p.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scale peak_rss_mib=%d after=%q", bytes>>20, after)
	if bytes>>20 > int64(most) {
		t.Errorf("%d MiB of memory after %s, want at most %d", bytes>>20, after, most)
	}
}
