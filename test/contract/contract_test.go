// Package contract holds docs/contract.md to the code: topics, keys, settings,
// schemas, statuses and error codes as users depend on them.
//
//	go test ./test/contract -update
package contract

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

var update = flag.Bool("update", false, "rewrite docs/contract.md")

func TestContractIsDocumented(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	writeTopics(&want)
	writeObjects(&want)
	if err := schemas.WriteContract(&want); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "contract.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(have)); diff != "" {
		t.Errorf("docs/contract.md is not what the code says (make docs rewrites it):\n%s", diff)
	}
}

func writeTopics(b *bytes.Buffer) {
	names := kafka.Names{Bridge: "planhat-bridge"}
	layout := kafka.Layout{Partitions: 3, ReplicationFactor: -1}
	const ws, object = "<workspace>", "<object>"
	fmt.Fprint(b, "# The contract\n\nGenerated from the code (`make docs`), and held to it by a test. A change here is a change that users see.\n\n"+
		"## Topics\n\nNames take `TOPIC_PREFIX` in front. Keys are plain UTF-8 strings.\n\n"+
		"| topic | key | value | partitions | settings |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range []struct {
		spec       kafka.TopicSpec
		key, value string
	}{
		{names.ChangeTopic("planhat", ws, object, layout), "`_id`", "Avro `Envelope`; null after a delete"},
		{names.CommandTopic("planhat", ws, layout), "set by the producer", "`Command`: JSON or Avro"},
		{names.ResultTopic("planhat", ws, layout), "command id", "Avro `Result`"},
		{names.DeadLetterTopic("planhat", ws, layout), "as the command", "the command's bytes, the reason in headers; null for a mark that settles one: [dead letters](dead-letters.md)"},
		{names.ChangeTopic("pipedrive", "<account>", "<object>", layout), "`id`", "Avro `Envelope`; null after a delete"},
		{names.WebhookTopic("<account>", layout), "`<entity>/<id>`, or `unknown`", "what Pipedrive sent, as it was received; headers `received_at`, `event_id`, `version`: [Pipedrive](pipedrive.md#the-topic-of-webhooks)"},
		{names.SignalTopic(layout), "any", "JSON: a [signal](#signals)"},
		{names.NotificationTopic(layout), "`planhat/<workspace>/<stream>`, `pipedrive/<account>/<stream>`", "JSON: a [notification](#notifications)"},
		{names.StateTopic("source", layout), "internal", "internal"},
		{names.StateTopic("sink", layout), "internal", "internal"},
	} {
		var settings []string
		for _, k := range slices.Sorted(maps.Keys(row.spec.Config)) {
			settings = append(settings, "`"+k+"="+row.spec.Config[k]+"`")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %d | %s |\n", row.spec.Name, row.key, row.value, row.spec.Partitions, strings.Join(settings, " "))
	}
	fmt.Fprintf(b, "\nSubjects in the schema registry: `%s`. Consumer groups, for lag: of a workspace's commands `%s`, of an account's webhooks `%s`.\n\n",
		names.Subject("<topic>"), names.CommandGroup("planhat", ws), names.WebhookGroup("<account>"))
}

func writeObjects(b *bytes.Buffer) {
	fmt.Fprint(b, "## Objects\n\n| object | listing | change stamp | target of an upsert | required to create |\n| --- | --- | --- | --- | --- |\n")
	for _, spec := range planhat.Objects() {
		stamp := spec.Stamp
		if stamp == "" {
			stamp = "none: found by sweeps"
		}
		var keys, required []string
		for _, k := range spec.UpsertKeys() {
			keys = append(keys, "`"+string(k)+"`")
		}
		switch {
		case spec.ReadOnly:
			keys, required = []string{"none: read only"}, []string{"-"}
		case len(keys) == 0:
			keys = []string{"none (`NO_UPSERT_KEY`)"}
		}
		for _, group := range spec.Required {
			required = append(required, "`"+strings.Join(group, "` or `")+"`")
		}
		fmt.Fprintf(b, "| %s | `%s` | %s | %s | %s |\n", spec.Object, spec.Path, stamp, strings.Join(keys, ", "), strings.Join(required, "; "))
	}
	fmt.Fprintln(b)
}

// The objects table and the record schemas are written by hand in two places;
// what both say of a field must be the same.
func TestObjectsTableEqualsRecordSchemas(t *testing.T) {
	t.Parallel()
	type field struct {
		Type     string
		Writable bool
	}
	for _, spec := range planhat.Objects() {
		table, schema := map[string]field{}, map[string]field{}
		for _, f := range spec.Fields {
			table[f.Name] = field{string(f.Type), f.Writable}
		}
		fields, err := schemas.RecordFields("planhat", string(spec.Object))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range fields {
			if f.Name != "extra" && f.Name != "nulls" {
				schema[f.Name] = field{string(f.Type), f.Writable}
			}
		}
		if diff := cmp.Diff(table, schema); diff != "" {
			t.Errorf("%s: objects table (-) and record schema (+) differ:\n%s", spec.Object, diff)
		}
		if diff := cmp.Diff(sorted(spec.Required), sorted(schemas.RequiredGroups(fields))); diff != "" {
			t.Errorf("%s: required groups of table (-) and schema (+) differ:\n%s", spec.Object, diff)
		}
	}
	if have, want := len(schemas.Objects("planhat")), len(planhat.Objects()); have != want {
		t.Errorf("%d record schemas for %d objects", have, want)
	}
}

// sorted puts the names of each group in order: a group is a set.
func sorted(groups [][]string) [][]string {
	out := make([][]string, len(groups))
	for i, g := range groups {
		out[i] = slices.Sorted(slices.Values(g))
	}
	return out
}
