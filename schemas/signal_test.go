package schemas

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecodeSignal(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	want := Signal{ID: "1", Signal: "record", Workspace: "acme", Object: "company", ExternalID: "c-1", NotAfter: &until, Reason: "why not"}
	value, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeSignal(value)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	long := strings.Repeat("x", MaxSignalText+1)
	for _, c := range []struct{ value, id, workspace, says string }{
		{`{"id":"7","workspace":"acme"`, "", "", "not a JSON object"},
		{`{"id":"7","workspace":"acme"} {}`, "", "", "not a JSON object"},
		{`["pause"]`, "", "", "not a JSON object"},
		{`null`, "", "", ""},
		{"{\"id\":\"\xff\",\"workspace\":\"acme\"}", "\ufffd", "acme", "not UTF-8"},
		{`{"id":"7","workspace":"acme","steam":"x"}`, "7", "acme", `unknown field "steam"`},
		{`{"id":"7","workspace":"acme","stream":3}`, "7", "acme", "cannot be read"},
		{`{"id":"7","workspace":"acme","notAfter":"tomorrow"}`, "7", "acme", "cannot be read"},
		{`{"id":"` + long + `","workspace":"acme"}`, "", "acme", "more than 256"},
		{`{"id":"7","workspace":"acme","reason":"` + long + `"}`, "7", "acme", "more than 256"},
		{`{"reason":"` + strings.Repeat("x", MaxSignal) + `"}`, "", "", "more than 16384"},
		{`{"id":"7","workspace":"acme","account":"sales"}`, "7", "acme", "names a workspace and an account"},
	} {
		_, err := DecodeSignal([]byte(c.value))
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", c.value, err)
			}
			continue
		}
		broken, ok := errors.AsType[*SignalError](err)
		if !ok || !strings.Contains(err.Error(), c.says) || broken.ID != c.id || broken.Workspace != c.workspace {
			t.Errorf("%.60s: %+v, want %q of %q in %q", c.value, err, c.says, c.id, c.workspace)
		}
		if SignalWorkspace([]byte(c.value)) != c.workspace {
			t.Errorf("%.60s: is for %q", c.value, SignalWorkspace([]byte(c.value)))
		}
	}
}

// Whoever the signal is for answers it: routing and decoding agree.
func FuzzDecodeSignal(f *testing.F) {
	for _, value := range []string{
		`{"id":"1","signal":"pause","workspace":"acme"}`, `{"Workspace":"a","workspace":"b"}`, `{"workspace":null}`, `null`, `{}`, `[`, `{"notAfter":"2026-03-04T12:00:00Z"}`,
	} {
		f.Add([]byte(value))
	}
	f.Add([]byte(`{"id":"1","signal":"pause","account":"acme"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		sig, err := DecodeSignal(value)
		if broken, ok := errors.AsType[*SignalError](err); err != nil && (!ok || broken.Workspace != SignalWorkspace(value)) {
			t.Fatalf("undocumented error %v", err)
		}
		if err == nil && sig.Account != SignalAccount(value) {
			t.Fatalf("%q is for account %q and is answered by %q", value, sig.Account, SignalAccount(value))
		}
		if err == nil && sig.Workspace != SignalWorkspace(value) {
			t.Fatalf("%q is for %q and is answered by %q", value, sig.Workspace, SignalWorkspace(value))
		}
	})
}

// The schemas and the documentation name exactly the members that there are.
func TestSignalMembersAreDocumented(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of      any
		members []memberDoc
	}{{Signal{}, signalMembers}, {Notification{}, notificationMembers}, {SnapshotProgress{}, snapshotMembers}} {
		var have, want []string
		for field := range reflect.TypeOf(c.of).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			have = append(have, name)
		}
		for _, m := range c.members {
			want = append(want, m.name)
		}
		slices.Sort(have)
		slices.Sort(want)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%T: -documented +there is\n%s", c.of, diff)
		}
	}
}
