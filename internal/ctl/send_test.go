package ctl

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSendOne(t *testing.T) {
	b := newBridge(t)
	b.sink()
	var got string
	for _, args := range [][]string{
		{"--op", "create", "--object", "company", "--external-id", "acct-1", "--set", "name=A", "--set", "csmScore=4", "--set", "zip=5015", "--set", `tags=["x"]`,
			"--set", "custom.Tier=Gold", "--set", "custom.Seats=12", "--unset", "phase", "--command-id", "c-1"},
		{"--op", "update", "--object", "company", "--external-id", "acct-1", "--set", "name=A", "--if-unchanged-since", "2026-03-04T15:21:10Z", "--not-after", "2026-03-05T00:00:00+01:00"},
		{"--op", "update", "--object", "company", "--external-id", "acct-1", "--set", "nme=A"},
		{"--op", "get", "--object", "company", "--id", recordID},
		{"--op", "get", "--object", "company", "--id", recordID, "-o", "json"},
		{"--op", "delete", "--object", "enduser", "--email", "kari@example.org", "--key", "mine"},
	} {
		got += b.run("", append([]string{"send"}, args...)...)
	}
	golden(t, "send_one", got)
	lines := strings.Split(b.sent(), "\n")
	for _, want := range []string{
		`company/acct-1 {"id":"c-1","op":"create","object":"company","fields":{"csmScore":4,"custom":{"Seats":12,"Tier":"Gold"},"externalId":"acct-1","name":"A","phase":null,"tags":["x"],"zip":"5015"}}`,
		`company/acct-1 {"id":"id-1","op":"update","object":"company","target":{"externalId":"acct-1"},"fields":{"name":"A"},"ifUnchangedSince":"2026-03-04T15:21:10Z","notAfter":"2026-03-05T00:00:00+01:00"}`,
		`company/` + recordID + ` {"id":"id-3","op":"get","object":"company","target":{"_id":"` + recordID + `"}}`,
		`mine {"id":"id-5","op":"delete","object":"enduser","target":{"email":"kari@example.org"}}`,
	} {
		found := false
		for _, line := range lines {
			found = found || line == want
		}
		if !found {
			t.Errorf("not sent: %s\nin:\n%s", want, strings.Join(lines, "\n"))
		}
	}
}

func TestSendMany(t *testing.T) {
	b := newBridge(t)
	b.sink()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	lines := `{"id":"a","op":"create","object":"company","fields":{"name":"A"}}

{"op":"update","object":"company","target":{"externalId":"acct-2"},"fields":{"nme":"x"}}
{"id":"c","op":"fly","object":"company"}
`
	csv := "\ufeff_id,externalId,name,csmScore,custom.Tier\n,acct-1,A,4,Gold\n" + recordID + ",acct-2,,,\"5, or so\"\n"
	got := b.run(lines, "send", "-f", "-") +
		b.run(lines, "send", "-f", "-", "--quiet") +
		b.run("", "send", "--op", "upsert", "--object", "company", "--command-id", "row", "-f", file("c.csv", csv)) +
		b.run("{\n", "send", "-f", "-") +
		b.run("", "send", "-f", "-") +
		b.run(`{"id":"a"}`+"\n"+`{"id":"a"}`, "send", "-f", "-") +
		b.run("", "send", "-f", file("d.csv", "name\n")) +
		b.run("", "send", "--op", "upsert", "--object", "company", "-f", file("e.csv", "name,zip\nx\n")) +
		b.run("", "send", "--op", "upsert", "--object", "company", "-f", file("f.csv", "externalId;name\nc-1;x\n")) +
		b.run("", "send", "--op", "upsert", "--object", "company", "--id", recordID, "-f", file("g.csv", "name\nx\n")) +
		b.run(lines, "send", "-f", "-", "--not-after", "2026-03-04T15:21:10Z")
	golden(t, "send_many", strings.ReplaceAll(got, dir, "DIR"))
	for _, want := range []string{
		`company/acct-1 {"id":"row-1","op":"upsert","object":"company","target":{"externalId":"acct-1"},"fields":{"csmScore":4,"custom":{"Tier":"Gold"},"name":"A"}}`,
		`company/` + recordID + ` {"id":"row-2","op":"upsert","object":"company","target":{"_id":"` + recordID + `"},"fields":{"custom":{"Tier":"5, or so"},"externalId":"acct-2"}}`,
		`company/acct-2 {"fields":{"nme":"x"},"id":"id-1","object":"company","op":"update","target":{"externalId":"acct-2"}}`,
		`company/a {"id":"a","op":"create","object":"company","fields":{"name":"A"}}`,
	} {
		if sent := b.sent(); !strings.Contains("\n"+sent, "\n"+want+"\n") {
			t.Errorf("not sent: %s\nin:\n%s", want, sent)
		}
	}
}

func TestSendWithoutResult(t *testing.T) {
	b := newBridge(t)
	b.sink()
	golden(t, "send_without_result",
		b.run("", "send", "--op", "get", "--object", "company", "--external-id", "silent", "--timeout", "100ms")+
			b.run(`{"op":"get","object":"company","target":{"externalId":"silent"}}`+"\n"+`{"op":"get","object":"company","target":{"externalId":"x"}}`,
				"send", "-f", "-", "--timeout", "1s")+
			b.run("", "send", "--op", "get", "--object", "company", "--external-id", "silent", "--key", "k", "--no-wait")+
			b.run("", "send", "--op", "get", "--object", "company", "--external-id", "silent", "--key", "k", "--no-wait", "-o", "json"))
}

// TestSendIgnoresOldResults: an id used before must not be taken for an answer.
func TestSendIgnoresOldResults(t *testing.T) {
	b := newBridge(t)
	b.sink()
	const ok = "OK CREATED company"
	if got := b.run("", "send", "--op", "create", "--object", "company", "--command-id", "same"); !strings.Contains(got, ok) {
		t.Fatal(got)
	}
	got := b.run("", "send", "--op", "delete", "--object", "company", "--id", recordID, "--command-id", "same")
	if strings.Contains(got, ok) || !strings.Contains(got, "OK DELETED company") {
		t.Error(got)
	}
}

// TestSendWithoutRegistry: results are understood with the schema that is built in.
func TestSendWithoutRegistry(t *testing.T) {
	b := newBridge(t)
	b.sink()
	got := b.run("", "send", "--op", "create", "--object", "company", "--registry", "http://127.0.0.1:1")
	if !strings.Contains(got, "OK CREATED company") || !strings.Contains(got, "warning: decoding with built-in schemas") || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
}

// TestProgress: on a terminal the bar is drawn on stderr, and stdout stays as it is.
func TestProgress(t *testing.T) {
	b := newBridge(t)
	b.sink()
	b.terminal = true
	lines := `{"id":"a","op":"get","object":"company","target":{"_id":"x"}}` + "\n" + `{"id":"b","op":"delete","object":"company","target":{"_id":"x"}}`
	got := b.run(lines, "send", "-f", "-", "-o", "json")
	stdout, stderr, _ := strings.Cut(got, "--- stderr\n")
	if strings.Count(stdout, `{"commandId":`) != 2 || strings.Contains(stdout, "results") || !strings.Contains(stderr, "results") || !strings.HasSuffix(got, "--- exit 0\n") {
		t.Error(got)
	}
}
