package kafka

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if that is meant, run go test -update:\n%s", path, diff)
	}
}

// A changed name abandons the data under the old one, so each is written down.
func TestNamesAreGolden(t *testing.T) {
	var b strings.Builder
	for _, n := range []Names{
		{Bridge: "planhat-bridge"},
		{Bridge: "eu-bridge", Prefix: "crm.prod."},
	} {
		fmt.Fprintf(&b, "# bridge %q, prefix %q\n", n.Bridge, n.Prefix)
		for _, line := range [][2]string{
			{"changes", n.Changes("planhat", "acme", "company")},
			{"commands", n.Commands("planhat", "acme")},
			{"results", n.Results("planhat", "acme")},
			{"dead letters", n.DeadLetters("planhat", "acme")},
			{"webhooks", n.Webhooks("acme")},
			{"signals", n.Signals()},
			{"notifications", n.Notifications()},
			{"state", n.State("source")},
			{"shard group", n.ShardGroup("source")},
			{"command group", n.CommandGroup("planhat", "acme")},
			{"webhook group", n.WebhookGroup("acme")},
			{"transactional id", n.TransactionalID("sink", 11)},
			{"subject", n.Subject(n.Changes("planhat", "acme", "company"))},
		} {
			fmt.Fprintf(&b, "%-17s %s\n", line[0], line[1])
		}
	}
	golden(t, "testdata/names.golden", b.String())
}

// Writes of others to these topics are no sign of a second bridge.
func TestTopicsOfMany(t *testing.T) {
	for _, n := range []Names{{Bridge: "planhat-bridge"}, {Bridge: "eu-bridge", Prefix: "crm.prod."}} {
		if !n.Many(n.Notifications()) || !n.Many(n.DeadLetters("planhat", "acme")) || !n.Many(n.Webhooks("acme")) {
			t.Errorf("prefix %q: notifications, dead letters or webhooks are taken for a topic of one shard", n.Prefix)
		}
		if n.Many(n.Results("planhat", "acme")) || n.Many(n.Changes("planhat", "deadletters", "company")) || n.Many(n.Changes("pipedrive", "webhooks", "deal")) {
			t.Errorf("prefix %q: results or changes are taken for a topic of many", n.Prefix)
		}
	}
}

func TestTopicSettingsAreGolden(t *testing.T) {
	n, l := Names{Bridge: "planhat-bridge"}, Layout{Partitions: 3, ReplicationFactor: -1}
	var b strings.Builder
	for _, s := range []TopicSpec{
		n.ChangeTopic("planhat", "acme", "company", l),
		n.CommandTopic("planhat", "acme", l),
		n.ResultTopic("planhat", "acme", l),
		n.DeadLetterTopic("planhat", "acme", l),
		n.WebhookTopic("acme", l),
		n.SignalTopic(l),
		n.NotificationTopic(l),
		n.StateTopic("sink", l),
	} {
		fmt.Fprintf(&b, "%s\n  partitions %d, pinned %t, replication factor %d\n", s.Name, s.Partitions, s.Pinned, s.ReplicationFactor)
		for _, k := range slices.Sorted(maps.Keys(s.Config)) {
			fmt.Fprintf(&b, "  %s=%s\n", k, s.Config[k])
		}
	}
	golden(t, "testdata/topics.golden", b.String())
}
