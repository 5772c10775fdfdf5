package letters

import (
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// A letter whose command had headers with the bridge's names, as a naive redrive
// of a whole letter makes them: the bridge's own stand behind and count.
func TestTheBridgesHeadersAreTheLast(t *testing.T) {
	t.Parallel()
	l := Read(&kgo.Record{Partition: 1, Offset: 9, Headers: []kgo.RecordHeader{
		pair(sink.HeaderCode, "FORBIDDEN"), pair(sink.HeaderOffset, "1"), pair("trace", "x"),
		pair(sink.HeaderCode, "NOT_FOUND"), pair(sink.HeaderPartition, "2"), pair(sink.HeaderOffset, "7"), pair(sink.HeaderTopic, "c"),
	}})
	if l.Code != schemas.CodeNotFound || l.Command != (kafka.Place{Partition: 2, Offset: 7}) || l.Origin != l.Command {
		t.Errorf("%+v", l)
	}
	if len(l.Headers) != 1 || l.Headers[0].Key != "trace" {
		t.Errorf("the command's headers are %v", l.Headers)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("FORBIDDEN", "1", "7", "2026-03-04T12:00:00Z", "0/3", "redriven", "12")
	f.Add("", "-1", "99999999999999999999", "x", "0", "", "-")
	f.Fuzz(func(t *testing.T, code, partition, offset, at, origin, settled, letter string) {
		r := &kgo.Record{Partition: 1, Offset: 9, Headers: []kgo.RecordHeader{
			pair(sink.HeaderCode, code), pair(sink.HeaderPartition, partition), pair(sink.HeaderOffset, offset), pair(sink.HeaderTopic, "c"),
			pair(sink.HeaderTime, at), pair(HeaderOrigin, origin), pair(HeaderSettled, settled), pair(HeaderOffset, letter),
		}}
		if m, ok := ReadMark(r); ok {
			if n, err := strconv.ParseInt(letter, 10, 64); err != nil || m.Letter.Offset != n || m.Letter.Partition != 1 {
				t.Errorf("mark %+v of %q", m, letter)
			}
		}
		l := Read(r)
		if l.Topic != "" && (l.Command.Offset < 0 || l.Command.Partition < 0 || l.Origin.Offset < 0) {
			t.Errorf("a place that cannot be: %+v", l)
		}
		if p, err := ParsePlace(origin); err == nil {
			if again, err := ParsePlace(Name(p)); err != nil || again != p {
				t.Errorf("%q is %v, and then %v", origin, p, again)
			}
		}
	})
}
