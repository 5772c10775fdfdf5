package schemas

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files of json/ and testdata/, and add to released/ what is not there yet")

// shipped lists every Avro schema the bridge registers, by the name of its golden copy.
func shipped(t *testing.T) map[string]string {
	t.Helper()
	list := map[string]string{"command.avsc": CommandSchema(), "result.avsc": ResultSchema()}
	for _, vendor := range vendors {
		for _, object := range Objects(vendor) {
			list[vendor+"."+object+".envelope.avsc"] = vendorCodec(t, vendor, object).EnvelopeSchema()
		}
	}
	return list
}

// Every released version stays as it was shipped. An edit of a schema must read what
// they wrote; with -update, only a schema that has no copy yet is added.
func TestSchemasReadWhatWasReleased(t *testing.T) {
	versions, err := filepath.Glob("released/v*")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no released schemas: %v", err)
	}
	for name, text := range shipped(t) {
		for _, version := range versions {
			path := filepath.Join(version, name)
			released, err := os.ReadFile(path)
			if os.IsNotExist(err) && *update {
				if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%v; if %s is new, run: go test ./schemas -run Released -update", err, name)
				continue
			}
			if err := Compatible(text, string(released)); err != nil {
				t.Errorf("%s: consumers could not read what %s wrote: %v", name, version, err)
			}
			for _, diff := range reinterpreted(t, text, string(released)) {
				t.Errorf("%s: since %s %s", name, version, diff)
			}
		}
	}
}

// reinterpreted finds fields that kept their name and whose meaning changed, which the
// Avro rules let pass: another logical type, or text that became JSON text.
func reinterpreted(t *testing.T, now, released string) []string {
	t.Helper()
	a, err := parseTree(now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseTree(released)
	if err != nil {
		t.Fatal(err)
	}
	var diffs []string
	compareNodes(a, b, "", &diffs)
	return diffs
}

func compareNodes(now, released *node, path string, diffs *[]string) {
	if now.logical != released.logical || now.json != released.json || now.layout != released.layout {
		*diffs = append(*diffs, path+" means something else")
	}
	for i := range min(len(now.branches), len(released.branches)) {
		compareNodes(now.branches[i], released.branches[i], path, diffs)
	}
	for _, old := range released.fields {
		for _, f := range now.fields {
			if f.name == old.name {
				compareNodes(f.node, old.node, path+"."+f.name, diffs)
			}
		}
	}
}

func TestReinterpretedFieldIsFound(t *testing.T) {
	now := testCodec(t, "company").EnvelopeSchema()
	for _, edit := range [][2]string{
		{`{"type":"long","logicalType":"timestamp-millis"}`, `"long"`},
		{`{"type":"string","connect.version":1,"connect.name":"io.debezium.data.Json"}`, `"string"`},
	} {
		edited := strings.Replace(now, edit[0], edit[1], 1)
		if err := Compatible(edited, now); err != nil {
			t.Fatalf("the rules of Avro find it: %v", err)
		}
		if len(reinterpreted(t, edited, now)) == 0 {
			t.Errorf("%s to %s was not found", edit[0], edit[1])
		}
	}
}

func TestCommandJSONSchemasAreCurrent(t *testing.T) {
	files, err := filepath.Glob("json/command.*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range Objects("planhat") {
		want, err := CommandJSONSchema("planhat", object)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("json", "command."+object+".schema.json"), want)
	}
	if len(files) > len(Objects("planhat")) {
		t.Errorf("json/ has %d files for %d objects", len(files), len(Objects("planhat")))
	}
}

func TestSignalJSONSchemasAreCurrent(t *testing.T) {
	for name, schema := range map[string]func() ([]byte, error){"signal": SignalJSONSchema, "notification": NotificationJSONSchema} {
		want, err := schema()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("json", name+".schema.json"), want)
	}
}

func TestContractIsCurrent(t *testing.T) {
	var out bytes.Buffer
	if err := WriteContract(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/contract.md", out.Bytes())
}

func golden(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(want)); diff != "" {
		t.Errorf("%s is not current; run: go test ./schemas -update\n%s", path, diff)
	}
}
