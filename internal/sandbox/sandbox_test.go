package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/script"
	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/logbook"
)

// show runs a sandbox until the test ends, and waits until it has printed want.
func show(t *testing.T, o Options, want string) *logbook.Book {
	t.Helper()
	s, ended := &logbook.Book{}, make(chan error, 1)
	o.Companies, o.Out, o.Logs = 5, s, s
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	go func() { ended <- Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v:\n%s", err, s)
		}
	})
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !strings.Contains(s.String(), want) {
		select {
		case <-tick.C:
		case err := <-ended:
			ended <- nil
			t.Fatalf("ended with %v:\n%s", err, s)
		case <-deadline:
			t.Fatalf("no %q in:\n%s", want, s)
		}
	}
	return s
}

var quoted = regexp.MustCompile(`'([^']*)'`)

// words splits a printed command as a shell would: by blanks, but not inside
// single quotes.
func words(line string) []string {
	line = quoted.ReplaceAllStringFunc(line, func(q string) string { return strings.ReplaceAll(strings.Trim(q, "'"), " ", "\x00") })
	out := strings.Fields(line)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "\x00", " ")
	}
	return out
}

// printed finds the one printed line that starts so, and gives what follows.
func printed(t *testing.T, s *logbook.Book, start string) []string {
	t.Helper()
	for line := range strings.Lines(s.String()) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), start); ok {
			return words(rest)
		}
	}
	t.Fatalf("prints no %q:\n%s", start, s)
	return nil
}

// planhatctl carries a command line out as it was printed.
func planhatctl(t *testing.T, args []string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := ctl.Run(t.Context(), args, ctl.Surroundings{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}); code != 0 {
		t.Errorf("planhatctl %q: code %d: %s", args, code, errs.String())
	}
	return out.String()
}

func TestPrintedCommandsWork(t *testing.T) {
	t.Parallel()
	s := show(t, Options{}, "kcat -C")
	if regexp.MustCompile(`127\.0\.0\.1:0\b`).MatchString(s.String()) {
		t.Errorf("prints a port that nobody listens on:\n%s", s)
	}
	send := printed(t, s, "go run ./cmd/planhatctl send")
	for _, want := range []string{"OK CREATED company ", "OK UNCHANGED company "} {
		if got := planhatctl(t, append([]string{"send"}, send...)); !strings.HasPrefix(got, want) {
			t.Errorf("printed send: %q, want %q", got, want)
		}
	}
	tail := append([]string{"tail"}, printed(t, s, "go run ./cmd/planhatctl tail")...)
	got := planhatctl(t, append(tail, "--from", "beginning", "--max", "1"))
	if !strings.Contains(got, " r company ") {
		t.Errorf("printed tail: %q", got)
	}
	won(t, s)
	for _, service := range []string{"source", "sink"} {
		url, _, _ := strings.Cut(strings.Join(printed(t, s, service+" "), " "), " ")
		answers(t, url)
	}
}

// won wins a deal as a user of the account does, and looks for it with the printed command.
func won(t *testing.T, s *logbook.Book) {
	t.Helper()
	pipedrive := printed(t, s, "Pipedrive ")[0]
	deal, err := http.NewRequestWithContext(t.Context(), http.MethodPost, pipedrive+"/_sim/acts", strings.NewReader(`{"act":"create","object":"deal","fields":{"title":"Won"}}`))
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ ID int64 }
	decode(t, deal, &made)
	win, err := http.NewRequestWithContext(t.Context(), http.MethodPost, pipedrive+"/_sim/acts",
		strings.NewReader(fmt.Sprintf(`{"act":"update","object":"deal","id":%d,"fields":{"status":"won"}}`, made.ID)))
	if err != nil {
		t.Fatal(err)
	}
	tail := slices.DeleteFunc(printed(t, s, "go run ./cmd/planhatctl tail pipedrive.changes.demo.deal"), func(word string) bool { return word == "--follow" })
	show := func(want string) {
		t.Helper()
		tick, deadline := time.NewTicker(50*time.Millisecond), time.After(30*time.Second)
		defer tick.Stop()
		for {
			got := planhatctl(t, append([]string{"tail", "pipedrive.changes.demo.deal"}, tail...))
			if strings.Contains(got, want) {
				return
			}
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("no %q in:\n%s", want, got)
			}
		}
	}
	show(fmt.Sprintf(" c deal %d\n", made.ID))
	decode(t, win, &made)
	show("status=won")
}

func decode(t *testing.T, req *http.Request, into any) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", req.URL, res.Status, err)
	}
}

func TestOnlySimulators(t *testing.T) {
	t.Parallel()
	s := show(t, Options{OnlySimulators: true}, "_sim/faults")
	if strings.Contains(s.String(), "Kafka  ") {
		t.Errorf("has a broker:\n%s", s)
	}
	curl := printed(t, s, "curl -H")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, curl[1], http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", strings.TrimPrefix(curl[0], "Authorization: "))
	ok(t, req)
	answers(t, strings.TrimSuffix(printed(t, s, "curl 'http")[0], "'"))
}

func answers(t *testing.T, url string) {
	t.Helper()
	if !strings.HasPrefix(url, "http") {
		url = "http" + url
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	ok(t, req)
}

func ok(t *testing.T, req *http.Request) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", req.URL, res.Status)
	}
}

func TestBusyAdminPortNamesItsFlag(t *testing.T) {
	t.Parallel()
	s, err := stage.New(stage.Ports{}, simOptions(Options{Companies: 1}), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, text, err := net.SplitHostPort(strings.TrimPrefix(s.Planhat, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	err = Run(t.Context(), Options{Companies: 1, Ports: stage.Ports{Sink: port}, Out: &logbook.Book{}, Logs: &logbook.Book{}})
	if err == nil || !strings.HasSuffix(err.Error(), "choose another port with --sink-port") {
		t.Errorf("got %v", err)
	}
}

func TestRoundsUseEveryOperationOnEveryObject(t *testing.T) {
	t.Parallel()
	ops, objects, ids := map[string]bool{}, map[string]bool{}, map[string]bool{}
	play := traffic{seen: []script.Command{{ID: "cmd-t", Op: "get", Object: "ticket", Target: map[string]string{"_id": "1"}}, {ID: "cmd-f", Op: "get", Object: "customfield", Target: map[string]string{"_id": "2"}}}, waiting: map[string]string{}}
	for n := range 3 * len(planhat.Objects()) {
		for _, c := range play.round(n) {
			ops[c.Op], objects[c.Object] = true, true
			if ids[c.ID] {
				t.Errorf("command id %s is used twice", c.ID)
			}
			ids[c.ID] = true
			if key := keyOf(c); !strings.HasPrefix(key, c.Object+"/") {
				t.Errorf("key %q of %s", key, c.ID)
			}
		}
	}
	if len(ops) != 5 || len(objects) != len(planhat.Objects()) {
		t.Errorf("%d operations, %d objects", len(ops), len(objects))
	}
}
