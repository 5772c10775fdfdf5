package webhook

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// ends is how many records a topic has.
func ends(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	listed, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	n := int64(0)
	listed.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n, err
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func path(p string) func(*http.Request) { return func(r *http.Request) { r.URL.Path = p } }

func as(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// The rules of the intake: what is promised with 200 is on the topic, and nothing
// else is.
func TestWhatIsAnsweredAndStored(t *testing.T) {
	i := start(t, Limits{Body: 4000})
	with := func(changes ...func(*http.Request)) []func(*http.Request) { return changes }
	large := `{"meta":{},"data":"` + strings.Repeat("x", 4000) + `"}`
	stored := 0
	for _, tt := range []struct {
		name   string
		body   string
		change []func(*http.Request)
		status int
	}{
		{"a webhook", deal, nil, 200},
		{"with the former password", deal, with(as(user, former)), 200},
		{"with no content type", deal, with(func(r *http.Request) { r.Header.Del("Content-Type") }), 200},
		{"with another type of JSON", deal, with(header("Content-Type", "application/vnd.x+json; charset=utf-8")), 200},
		{"not packed", deal, with(header("Content-Encoding", "identity")), 200},
		{"without a length", deal, with(func(r *http.Request) { r.ContentLength = -1 }), 200},
		{"odd: no meta", `{"a":[1,{"b":"}"}]}`, nil, 200},
		{"odd: no object", ` [1, "x"] `, nil, 200},
		{"odd: null", `null`, nil, 200},
		{"payload 1.0", `{"v":1,"meta":{"v":1,"action":"updated","object":"deal","id":7},"current":{},"previous":{}}`, nil, 200},
		{"as large as may be", `"` + strings.Repeat("x", 3998) + `"`, nil, 200},
		{"no login", deal, with(func(r *http.Request) { r.Header.Del("Authorization") }), 401},
		{"no basic login", deal, with(header("Authorization", "Bearer "+password)), 401},
		{"wrong user", deal, with(as("beta", password)), 401},
		{"wrong password", deal, with(as(user, password+"x")), 401},
		{"no password", deal, with(as(user, "")), 401},
		{"another account's login", deal, with(as("beta", "beta-passw0rd")), 401},
		{"an account that is not there", deal, with(path("/pipedrive/gamma")), 401},
		{"an account that takes none", deal, with(path("/pipedrive/quiet"), as("", "")), 401},
		{"another path", deal, with(path("/")), 404},
		{"no account", deal, with(path("/pipedrive/")), 404},
		{"more path", deal, with(path("/pipedrive/acme/x")), 404},
		{"another method", deal, with(func(r *http.Request) { r.Method = http.MethodPut }), 405},
		{"packed", zipped(deal), with(header("Content-Encoding", "gzip")), 415},
		{"packed in a way that nobody knows", deal, with(header("Content-Encoding", "x")), 415},
		{"a form", "a=b", with(header("Content-Type", "application/x-www-form-urlencoded")), 415},
		{"no type at all", deal, with(header("Content-Type", "json")), 415},
		{"too large", large, nil, 413},
		{"too large without a length", large, with(func(r *http.Request) { r.ContentLength = -1 }), 413},
		{"empty", "", nil, 400},
		{"cut", deal[:len(deal)-1], nil, 400},
		{"two", deal + deal, nil, 400},
		{"no JSON", "<html></html>", nil, 400},
		{"packed without saying so", zipped(deal), nil, 400},
	} {
		status, answer := i.send(tt.body, tt.change...)
		if status != tt.status {
			t.Errorf("%s: answered %d, want %d", tt.name, status, tt.status)
		}
		if status == http.StatusOK {
			stored++
		}
		if challenge := answer.Get("WWW-Authenticate"); (challenge != "") != (tt.status == 401) {
			t.Errorf("%s: challenge %q", tt.name, challenge)
		}
		if records := len(i.topic("acme")); records != stored {
			t.Fatalf("%s: %d records on the topic, want %d", tt.name, records, stored)
		}
	}
	if n := len(i.topic("beta")); n != 0 {
		t.Errorf("%d records of another account", n)
	}
	i.nothingHeld()
	for _, secret := range []string{user, password, former, "hush-hush", "gamma", basic(user, password), "3f0c5c1e"} {
		if strings.Contains(i.log.String(), secret) {
			t.Errorf("the log says %q:\n%s", secret, i.log)
		}
	}
}

// nothingHeld waits until the memory of all webhooks was given back.
func (i *intake) nothingHeld() {
	i.t.Helper()
	i.eventually("all room is given back", func() bool { return i.load.requests.Load() == 0 && i.load.bytes.Load() == 0 })
}

func TestARecordIsTheWebhookAsItCame(t *testing.T) {
	i := start(t, Limits{})
	before := time.Now().Add(-time.Millisecond).Truncate(time.Millisecond)
	body := " " + deal + "\n"
	i.send(body)
	i.send(`{"meta":{"v":1,"object":"person","id":7}}`)
	i.send(`{"meta":{"entity":"deal","entity_id":"4 2"}}`)
	got := map[string]map[string]string{}
	for _, r := range i.topic("acme") {
		fields := map[string]string{"value": string(r.Value)}
		for _, h := range r.Headers {
			fields[h.Key] = string(h.Value)
		}
		at, err := time.Parse("2006-01-02T15:04:05.000Z", fields[HeaderReceivedAt])
		if err != nil || at.Before(before) || at.After(time.Now()) {
			t.Errorf("received at %q: %v", fields[HeaderReceivedAt], err)
		}
		delete(fields, HeaderReceivedAt)
		got[string(r.Key)] = fields
	}
	want := map[string]map[string]string{
		"deal/42":  {"value": body, "event_id": "3f0c5c1e-0000-4000-8000-000000000001", "version": "2.0"},
		"person/7": {"value": `{"meta":{"v":1,"object":"person","id":7}}`, "version": "1.0"},
		"unknown":  {"value": `{"meta":{"entity":"deal","entity_id":"4 2"}}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// While a password is replaced, both are accepted; the files are read again, and
// what stood in them before is not accepted any more.
func TestPasswordsAreReplacedWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	now, next := filepath.Join(dir, "now"), filepath.Join(dir, "next")
	write := func(file, text string) {
		if err := os.WriteFile(file+".new", []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write(now, "one")
	write(next, "two")
	i := start(t, Limits{}, "PIPEDRIVE_BETA_WEBHOOK_PASSWORD=", "PIPEDRIVE_BETA_WEBHOOK_PASSWORD_FILE="+now, "PIPEDRIVE_BETA_WEBHOOK_PASSWORD_PREVIOUS_FILE="+next)
	status := func(password string) int {
		code, _ := i.send(deal, path("/pipedrive/beta"), as("beta", password))
		return code
	}
	if status("one") != 200 || status("two") != 200 || status("three") != 401 {
		t.Error("not the two passwords of the files are accepted")
	}
	write(now, "three")
	i.eventually("the new password is accepted", func() bool { return status("three") == 200 })
	if status("two") != 200 || status("one") != 401 {
		t.Error("not the two passwords that the files have now are accepted")
	}
	write(next, "")
	i.eventually("the second password is gone with the content of its file", func() bool { return status("two") == 401 })
	if status("three") != 200 || status("") != 401 {
		t.Error("without a second password not the first alone is accepted")
	}
}

// Nothing of a stranger's body is read: the answer is there before it is sent.
func TestStrangersAreAnsweredBeforeTheirBody(t *testing.T) {
	i := start(t, Limits{Whole: patience})
	for name, h := range map[string]string{
		"a stranger":           strings.Replace(head(100<<20), basic(user, password), basic(user, "x"), 1),
		"a body of 100 MB":     head(100 << 20),
		"a packed body":        strings.Replace(head(1000), "\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n", 1),
		"a small one, packed":  strings.Replace(head(10), "\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n", 1),
		"an unknown account":   strings.Replace(head(1000), "acme", "nobody", 1),
		"somebody without end": strings.Replace(strings.Replace(head(1), "Content-Length: 1", "Transfer-Encoding: chunked", 1), basic(user, password), "x", 1),
	} {
		c := i.dial()
		if _, err := io.WriteString(c, h); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if resp.StatusCode < 400 || !resp.Close {
			t.Errorf("%s: answered %d, closed %t", name, resp.StatusCode, resp.Close)
		}
	}
	if n := i.load.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are held for bodies that nobody wants", n)
	}
}

func TestStatusAndMetrics(t *testing.T) {
	i := start(t, Limits{})
	i.send(deal)
	i.send("[]")
	i.send(deal, as(user, "x"))
	i.send(deal, path("/x"))
	i.eventually("all is counted", func() bool { return i.nobody.counts.ended[notFound].Load() == 1 })
	st := i.Status().(Status)
	if st.State != "ok" || st.Address != strings.TrimPrefix(i.url, "http://") || len(st.Accounts) != 2 || st.Unknown["not_found"] != 1 {
		t.Errorf("got %+v", st)
	}
	acme := st.Accounts[0]
	if diff := cmp.Diff(map[string]int64{"stored": 1, "odd": 1, "unauthorized": 1}, acme.Requests); diff != "" || acme.Path != "/pipedrive/acme" || acme.Passwords != 2 || acme.LastStored.IsZero() {
		t.Errorf("got %+v\n%s", acme, diff)
	}
	if got := i.value("planhat_bridge_webhook_received_bytes_total"); got != float64(len(deal)+2) {
		t.Errorf("%v bytes received", got)
	}
	families, err := i.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}

	if !strings.Contains(i.log.String(), fmt.Sprintf("outcome=%s", unauthorized)) {
		t.Errorf("a wrong password is not told:\n%s", i.log)
	}
}
