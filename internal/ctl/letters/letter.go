package letters

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/internal/sink"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// The headers of a mark, beside bridge.command.id and bridge.time. They are
// strings.
const (
	HeaderSettled = "bridge.letter.settled" // Redriven or Dropped
	HeaderOffset  = "bridge.letter.offset"  // of the letter, in the mark's partition
	HeaderReason  = "bridge.letter.reason"  // why it was dropped, if somebody said so
	HeaderNewID   = "bridge.redrive.id"     // the id of the command that it was driven again as
)

// The headers of a command that was driven again. The sink copies them to its
// result, as all headers of commands.
const (
	HeaderOf     = "bridge.redrive.of"     // the id of the command as it was sent first
	HeaderOrigin = "bridge.redrive.origin" // its place, <partition>/<offset>
	HeaderLetter = "bridge.redrive.letter" // the place of the letter that was driven again
)

// Headers lists all headers of marks and of commands that were driven again, for
// the documents.
func Headers() []string {
	return []string{HeaderSettled, HeaderOffset, HeaderReason, HeaderNewID, HeaderOf, HeaderOrigin, HeaderLetter}
}

// Settlement is how a letter was settled; empty while it is open.
type Settlement string

// The settlements.
const (
	Open     Settlement = ""
	Redriven Settlement = "redriven"
	Dropped  Settlement = "dropped"
)

// Letter is a record of a topic of dead letters that is no mark.
type Letter struct {
	At        kafka.Place
	Time      time.Time // when the command was given up
	Written   time.Time // by the record's own stamp
	Code      schemas.Code
	Message   string
	Remedy    string
	CommandID string
	Topic     string      // that the command was read from; empty if the bridge did not write the letter
	Command   kafka.Place // in Topic
	Origin    kafka.Place // Command, or that of the first of the commands driven again
	Of        string      // id of the first of the commands driven again; empty if there is none
	Omitted   bool        // the value would not have fitted: it is at Command, if anywhere

	Key, Value []byte
	Headers    []kgo.RecordHeader // the command's own

	State  Settlement
	NewID  string    // of a letter that was driven again
	Reason string    // of a letter that was dropped
	Since  time.Time // when it was settled
}

// Mark says that a letter is settled.
type Mark struct {
	Letter kafka.Place
	State  Settlement
	NewID  string
	Reason string
	Time   time.Time
}

// reasons are the headers that the sink adds to those of the command.
var reasons = []string{
	sink.HeaderCode, sink.HeaderMessage, sink.HeaderRemedy, sink.HeaderCommandID, sink.HeaderTopic,
	sink.HeaderPartition, sink.HeaderOffset, sink.HeaderTime, sink.HeaderOmitted,
}

// header is the last value of a header: the bridge adds its own behind the
// command's.
func header(r *kgo.Record, name string) (string, bool) {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == name {
			return string(h.Value), true
		}
	}
	return "", false
}

// ReadMark reads a mark; false if the record is none.
func ReadMark(r *kgo.Record) (Mark, bool) {
	state, ok := header(r, HeaderSettled)
	offset, has := header(r, HeaderOffset)
	n, err := strconv.ParseInt(offset, 10, 64)
	if !ok || !has || err != nil || r.Value != nil {
		return Mark{}, false
	}
	m := Mark{Letter: kafka.Place{Partition: r.Partition, Offset: n}, State: Settlement(state), Time: timeOf(r)}
	m.NewID, _ = header(r, HeaderNewID)
	m.Reason, _ = header(r, HeaderReason)
	return m, true
}

// timeOf is when the record was made, by its header if it has one.
func timeOf(r *kgo.Record) time.Time {
	text, _ := header(r, sink.HeaderTime)
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at
	}
	return r.Timestamp
}

// Read makes a letter of a record that is no mark.
func Read(r *kgo.Record) Letter {
	text := func(name string) string { v, _ := header(r, name); return v }
	l := Letter{
		At: kafka.Place{Partition: r.Partition, Offset: r.Offset}, Time: timeOf(r), Written: r.Timestamp,
		Code: schemas.Code(text(sink.HeaderCode)), Message: text(sink.HeaderMessage), Remedy: text(sink.HeaderRemedy),
		CommandID: text(sink.HeaderCommandID), Of: text(HeaderOf), Key: r.Key, Value: r.Value,
	}
	_, l.Omitted = header(r, sink.HeaderOmitted)
	if at, err := ParsePlace(text(sink.HeaderPartition) + "/" + text(sink.HeaderOffset)); err == nil && l.Code != "" {
		l.Topic, l.Command, l.Origin = text(sink.HeaderTopic), at, at
	}
	if at, err := ParsePlace(text(HeaderOrigin)); err == nil && l.Topic != "" {
		l.Origin = at
	}
	for _, h := range r.Headers {
		if !slices.Contains(reasons, h.Key) {
			l.Headers = append(l.Headers, h)
		}
	}
	return l
}

// FirstID is the id under which the command's producer knows it.
func (l *Letter) FirstID() string {
	if l.Of != "" {
		return l.Of
	}
	return l.CommandID
}

// Name is how a place is written: <partition>/<offset>.
func Name(p kafka.Place) string {
	return strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
}

// ParsePlace reads what Name writes.
func ParsePlace(text string) (kafka.Place, error) {
	partition, offset, ok := strings.Cut(text, "/")
	p, err := strconv.ParseInt(partition, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if !ok || err != nil || err2 != nil || p < 0 || o < 0 {
		return kafka.Place{}, fmt.Errorf("%q is not <partition>/<offset>", text)
	}
	return kafka.Place{Partition: int32(p), Offset: o}, nil
}
