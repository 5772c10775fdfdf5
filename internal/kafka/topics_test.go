package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	testNames  = Names{Bridge: "b"}
	testLayout = Layout{Partitions: 3, ReplicationFactor: -1}
)

func allSpecs() []TopicSpec {
	return []TopicSpec{
		testNames.ChangeTopic("planhat", "acme", "company", testLayout),
		testNames.CommandTopic("planhat", "acme", testLayout),
		testNames.ResultTopic("planhat", "acme", testLayout),
		testNames.DeadLetterTopic("planhat", "acme", testLayout),
		testNames.SignalTopic(testLayout),
		testNames.NotificationTopic(testLayout),
		testNames.StateTopic("source", testLayout),
	}
}

func TestEnsureTopicsCreatesWhatIsMissingAndIsRepeatable(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	for range 2 {
		if err := EnsureTopics(t.Context(), cl, allSpecs(), true); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range allSpecs() {
		info, err := DescribeTopics(t.Context(), cl, s.Name)
		if err != nil {
			t.Fatal(err)
		}
		if info[s.Name].Partitions != s.Partitions || info[s.Name].ID == (TopicID{}) {
			t.Errorf("%s: got %+v, want %d partitions and an id", s.Name, info[s.Name], s.Partitions)
		}
		configs, err := kadm.NewClient(cl).DescribeTopicConfigs(t.Context(), s.Name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := settingsOf(configs, s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for k, want := range s.Config {
			if got[k] != want {
				t.Errorf("%s: %s=%s, want %s", s.Name, k, got[k], want)
			}
		}
	}
}

func TestEnsureTopicsWithoutCreatingNamesAllThatIsMissing(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	err := EnsureTopics(t.Context(), cl, allSpecs(), false)
	if err == nil {
		t.Fatal("no error for seven missing topics")
	}
	for _, s := range allSpecs() {
		want := "kafka-topics --bootstrap-server " + o.Brokers[0] + " --create --topic " + s.Name + " "
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no command line %q in:\n%v", want, err)
		}
	}
	details, err := kadm.NewClient(cl).ListTopics(t.Context())
	if err != nil || len(details) != 0 {
		t.Errorf("topics %v, error %v: want none", details.Names(), err)
	}
}

func TestEnsureTopicsRefusesWhatLosesData(t *testing.T) {
	change := testNames.ChangeTopic("planhat", "acme", "company", testLayout)
	command := testNames.CommandTopic("planhat", "acme", testLayout)
	state := testNames.StateTopic("source", testLayout)
	tests := []struct {
		name       string
		spec       TopicSpec
		partitions int32
		with       map[string]string
		want       []string // settings named, in order
		wantRemedy string
	}{
		{name: "as planned", spec: change},
		{name: "change topic deletes", spec: change, with: map[string]string{"cleanup.policy": "delete"},
			want: []string{"cleanup.policy"}, wantRemedy: "--entity-name " + change.Name + " --add-config cleanup.policy=compact"},
		{name: "change topic compacts and deletes", spec: change, with: map[string]string{"cleanup.policy": "compact,delete"}, want: []string{"cleanup.policy"}},
		{name: "compaction too early", spec: change, with: map[string]string{"min.compaction.lag.ms": "0"}, want: []string{"min.compaction.lag.ms"}},
		{name: "compaction later", spec: change, with: map[string]string{"min.compaction.lag.ms": "9999999999"}},
		{name: "tombstones too short", spec: change, with: map[string]string{"delete.retention.ms": "1000"}, want: []string{"delete.retention.ms"}},
		{name: "all of it", spec: change, with: map[string]string{"cleanup.policy": "delete", "min.compaction.lag.ms": "0", "delete.retention.ms": "0"},
			want: []string{"cleanup.policy", "min.compaction.lag.ms", "delete.retention.ms"}},
		{name: "more partitions for users", spec: change, partitions: 40},
		{name: "commands compacted", spec: command, with: map[string]string{"cleanup.policy": "compact"}, want: []string{"cleanup.policy"}},
		{name: "commands kept an hour", spec: command, with: map[string]string{"retention.ms": "3600000"}, want: []string{"retention.ms"}},
		{name: "commands kept two days", spec: command, with: map[string]string{"retention.ms": "172800000"}},
		{name: "commands kept for ever", spec: command, with: map[string]string{"retention.ms": "-1"}},
		{name: "state deletes", spec: state, with: map[string]string{"cleanup.policy": "delete"}, want: []string{"cleanup.policy"}},
		{name: "state split otherwise", spec: state, partitions: 6, want: []string{"partitions"}, wantRemedy: "BRIDGE_NAME"},
		{name: "state with other segments", spec: state, with: map[string]string{"segment.bytes": "1048576"}},
	}
	_, o := cluster(t)
	cl := client(t, o)
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.Name = fmt.Sprintf("%s.%d", tt.spec.Name, i)
			tt.wantRemedy = strings.Replace(tt.wantRemedy, change.Name, tt.spec.Name, 1)
			makeAs(t, cl, tt.spec, tt.partitions, tt.with)
			got := topicErrors(t, EnsureTopics(t.Context(), cl, []TopicSpec{tt.spec}, true))
			var settings []string
			for _, e := range got {
				settings = append(settings, e.Setting)
				if e.Topic != tt.spec.Name || e.Want == "" || e.Have == "" || !strings.Contains(e.Remedy, tt.wantRemedy) {
					t.Errorf("incomplete or wrong: %v", e)
				}
			}
			if diff := cmp.Diff(tt.want, settings); diff != "" {
				t.Errorf("settings refused (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnsureTopicsReportsEveryTopicAtOnce(t *testing.T) {
	_, o := cluster(t)
	cl := client(t, o)
	specs := allSpecs()
	makeAs(t, cl, specs[0], 0, map[string]string{"cleanup.policy": "delete"})
	makeAs(t, cl, specs[6], 5, nil)
	got := topicErrors(t, EnsureTopics(t.Context(), cl, specs, false))
	if len(got) != 7 {
		t.Errorf("%d faults, want one for each of 7 topics: %v", len(got), got)
	}
}

func TestEnsureTopicsVerifiesATopicThatAnotherCreatedMeanwhile(t *testing.T) {
	c, o := cluster(t)
	cl, other := client(t, o), client(t, o)
	spec := testNames.ChangeTopic("planhat", "acme", "company", testLayout)
	raced := false
	c.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.SleepControl(func() {
			if !raced {
				raced = true
				makeAs(t, other, spec, 0, map[string]string{"cleanup.policy": "delete"})
			}
		})
		return nil, nil, false
	})
	got := topicErrors(t, EnsureTopics(t.Context(), cl, []TopicSpec{spec}, true))
	if !raced || len(got) != 1 || got[0].Setting != "cleanup.policy" {
		t.Errorf("raced %t, faults %v: want the other's cleanup.policy refused", raced, got)
	}
}

func TestEnsureTopicsWarnsOfShortRetention(t *testing.T) {
	_, o := cluster(t)
	var log bytes.Buffer
	o.Logger, o.LogLevel = slog.New(slog.NewTextHandler(&log, nil)), slog.LevelWarn
	cl := client(t, o)
	spec := testNames.CommandTopic("planhat", "acme", testLayout)
	makeAs(t, cl, spec, 0, map[string]string{"retention.ms": "172800000"})
	if err := EnsureTopics(t.Context(), cl, []TopicSpec{spec}, true); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "have=172800000 want=1209600000") {
		t.Errorf("no warning in the log:\n%s", log.String())
	}
}

func TestEnsureTopicsSaysHowToCreateByHand(t *testing.T) {
	c, o := cluster(t)
	cl := client(t, o)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: 7})
	err := EnsureTopics(t.Context(), cl, allSpecs(), true)
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || strings.Count(err.Error(), "to create it by hand: kafka-topics") != 7 {
		t.Errorf("got %v", err)
	}
}

func TestDescribeTopicsNamesTheTopicThatIsNotThere(t *testing.T) {
	_, o := cluster(t)
	_, err := DescribeTopics(t.Context(), client(t, o), "nowhere")
	if !errors.Is(err, kerr.UnknownTopicOrPartition) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
}

// makeAs creates a topic by its spec with some settings changed.
func makeAs(t testing.TB, cl *kgo.Client, s TopicSpec, partitions int32, with map[string]string) {
	t.Helper()
	config := map[string]*string{}
	for _, m := range []map[string]string{s.Config, with} {
		for k, v := range m {
			config[k] = new(v)
		}
	}
	if partitions == 0 {
		partitions = s.Partitions
	}
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), partitions, -1, config, s.Name); err != nil {
		t.Error(err)
	}
}

// topicErrors takes a joined error apart; anything else in it fails the test.
func topicErrors(t *testing.T, err error) []*TopicError {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not a joined error: %v", err)
	}
	var out []*TopicError
	for _, e := range joined.Unwrap() {
		var te *TopicError
		if !errors.As(e, &te) {
			t.Errorf("not a *TopicError: %v", e)
			continue
		}
		out = append(out, te)
	}
	return out
}
