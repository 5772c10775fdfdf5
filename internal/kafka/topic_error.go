package kafka

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TopicError is one thing wrong with one topic. It is a fault of the set-up:
// trying again does not help.
type TopicError struct {
	Topic   string
	Setting string // "topic" for one that is missing, "partitions", or a setting's name
	Want    string
	Have    string
	Remedy  string // a command line to paste, or what to decide
}

func (e *TopicError) Error() string {
	return fmt.Sprintf("topic %s: %s is %s, want %s; to repair: %s", e.Topic, e.Setting, e.Have, e.Want, e.Remedy)
}

// rule says how a setting of an existing topic is judged.
type rule struct {
	setting string
	loses   func(want, have string) bool // have would lose data that want keeps
	warns   func(want, have string) bool // safe, but worse than planned; nil: never
}

// retentionFloor is the shortest retention under which messages can still be
// expected to be read: one day without a reader.
const retentionFloor = 24 * time.Hour

// rules hold for every topic whose spec names the setting. Settings without a
// rule (segment size, dirty ratio) cost time when they differ, not data.
var rules = []rule{
	{setting: "cleanup.policy", loses: differs},
	{setting: "min.compaction.lag.ms", loses: shorter},
	{setting: "delete.retention.ms", loses: shorter},
	{setting: "retention.ms", loses: belowFloor, warns: shorter},
}

func differs(want, have string) bool { return strings.ReplaceAll(have, " ", "") != want }

func belowFloor(_, have string) bool { return shorter(millis(retentionFloor), have) }

// shorter compares times in milliseconds, where -1 is for ever. What is not a
// number is not judged.
func shorter(want, have string) bool {
	w, errWant := strconv.ParseInt(want, 10, 64)
	h, errHave := strconv.ParseInt(have, 10, 64)
	if errWant != nil || errHave != nil || h < 0 {
		return false
	}
	return w < 0 || h < w
}

// judge compares an existing topic with its spec.
func judge(s TopicSpec, partitions int32, settings map[string]string, brokers string) (faults []*TopicError, warnings []string) {
	if s.Pinned && partitions != s.Partitions {
		faults = append(faults, &TopicError{
			Topic: s.Name, Setting: "partitions",
			Want: strconv.Itoa(int(s.Partitions)), Have: strconv.Itoa(int(partitions)),
			Remedy: "state is spread by the number of partitions; start with another BRIDGE_NAME, or stop every service, " +
				"delete the topic (its state is lost and read again from the vendor) and start: " +
				"kafka-topics --bootstrap-server " + brokers + " --delete --topic " + s.Name,
		})
	}
	for _, r := range rules {
		want, ok := s.Config[r.setting]
		have, known := settings[r.setting]
		if !ok || !known {
			continue
		}
		if r.loses(want, have) {
			faults = append(faults, &TopicError{Topic: s.Name, Setting: r.setting, Want: want, Have: have, Remedy: alterCommand(s.Name, r.setting, want, brokers)})
		} else if r.warns != nil && r.warns(want, have) {
			warnings = append(warnings, r.setting)
		}
	}
	return faults, warnings
}

func missing(s TopicSpec, brokers string) *TopicError {
	return &TopicError{Topic: s.Name, Setting: "topic", Want: "there", Have: "missing", Remedy: createCommand(s, brokers)}
}

func alterCommand(topic, setting, value, brokers string) string {
	return fmt.Sprintf("kafka-configs --bootstrap-server %s --alter --entity-type topics --entity-name %s --add-config %s=%s",
		brokers, topic, setting, value)
}

func createCommand(s TopicSpec, brokers string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-topics --bootstrap-server %s --create --topic %s --partitions %d", brokers, s.Name, s.Partitions)
	if s.ReplicationFactor > 0 {
		fmt.Fprintf(&b, " --replication-factor %d", s.ReplicationFactor)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Config)) {
		fmt.Fprintf(&b, " --config %s=%s", k, s.Config[k])
	}
	return b.String()
}
