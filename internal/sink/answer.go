package sink

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// The headers of a dead letter, beside those of the command. They are strings.
const (
	HeaderCode      = "bridge.error.code"
	HeaderMessage   = "bridge.error.message"
	HeaderRemedy    = "bridge.error.remedy"
	HeaderCommandID = "bridge.command.id"
	HeaderTopic     = "bridge.command.topic"
	HeaderPartition = "bridge.command.partition"
	HeaderOffset    = "bridge.command.offset"
	HeaderTime      = "bridge.time" // RFC 3339, when the command was given up
	// HeaderOmitted is there if the value would not fit into a record with
	// these headers; it is the value's size. The command's place tells where
	// the value is.
	HeaderOmitted = "bridge.value.omitted"
)

// recordBytes is what a record may hold so that brokers with default settings
// take it.
const recordBytes = 900 << 10

// answers makes the results of a transaction. They share memory.
type answers struct {
	w       *workspace
	records []kgo.Record // with room for all
	bytes   []byte       // the rest of a page for keys and values
}

// answerPage is the memory for keys and values that is asked for at once, and
// answerRoom what a result takes at the most, without its texts.
const (
	answerPage = 32 << 10
	answerRoom = 256
)

// page gives room for so many bytes.
func (a *answers) page(n int) []byte {
	if cap(a.bytes) < n {
		a.bytes = make([]byte, 0, max(answerPage, n))
	}
	return a.bytes
}

// record is the next record, with a key and a value that follow each other on a page.
func (a *answers) record(key int, text []byte) *kgo.Record {
	a.bytes = text[len(text):]
	a.records = append(a.records, kgo.Record{Topic: a.w.results, Key: text[:key:key], Value: text[key:len(text):len(text)]})
	return &a.records[len(a.records)-1]
}

// result is the record that answers a command.
func (a *answers) result(c *command) (*kgo.Record, error) {
	w := a.w
	r := schemas.Result{
		CommandID: c.cmd.ID, Op: clip(c.cmd.Op), Object: clip(c.cmd.Object),
		Status: c.result.status, Effect: c.result.effect, RecordID: c.result.recordID, Record: c.result.record,
		Attempts: c.attempts, Calls: c.calls, ReceivedAt: c.received, FinishedAt: c.result.finished,
		Topic: c.record.Topic, Partition: c.record.Partition, Offset: c.record.Offset,
	}
	if f := c.result.refusal; f != nil {
		r.Error = &schemas.ResultError{Code: f.Code, Message: clip(f.Message), Remedy: clip(f.Remedy)}
	}
	if len(r.Record) > recordBytes/2 {
		doc, _ := schemas.CodeTooLarge.Doc()
		r.Status, r.Effect, r.Record = schemas.StatusRejected, schemas.EffectNone, nil
		r.Error = &schemas.ResultError{
			Code: schemas.CodeTooLarge, Remedy: doc.Remedy,
			Message: fmt.Sprintf("the record has %d bytes: too many for a result", len(c.result.record)),
		}
	}
	key := append(a.page(answerRoom+2*len(r.CommandID)+len(r.Record)+len(r.Topic)), r.CommandID...)
	text, err := schemas.AppendResult(key, w.resultSchema, &r)
	if err != nil {
		return nil, err
	}
	out := a.record(len(key), text)
	out.Headers = c.record.Headers
	if size(out) > recordBytes {
		out.Headers = nil
	}
	return out, nil
}

// deadLettered tells which statuses an operator can mend.
var deadLettered = map[schemas.Status]bool{schemas.StatusRejected: true, schemas.StatusUnknown: true}

// deadLetter is the command's bytes with the reason in headers, or nil if the
// command gets none.
func (w *workspace) deadLetter(c *command) *kgo.Record {
	f := c.result.refusal
	if f == nil || !deadLettered[c.result.status] {
		return nil
	}
	header := func(key, value string) kgo.RecordHeader { return kgo.RecordHeader{Key: key, Value: []byte(value)} }
	reason := []kgo.RecordHeader{
		header(HeaderCode, string(f.Code)), header(HeaderMessage, clip(f.Message)), header(HeaderRemedy, clip(f.Remedy)),
		header(HeaderCommandID, c.cmd.ID), header(HeaderTopic, c.record.Topic),
		header(HeaderPartition, strconv.Itoa(int(c.record.Partition))),
		header(HeaderOffset, strconv.FormatInt(c.record.Offset, 10)),
		header(HeaderTime, c.result.finished.UTC().Format(time.RFC3339Nano)),
	}
	out := &kgo.Record{
		Topic: w.deadLetters, Key: c.record.Key, Value: c.record.Value,
		Headers: append(append([]kgo.RecordHeader{}, c.record.Headers...), reason...),
	}
	if size(out) > recordBytes {
		omitted := header(HeaderOmitted, strconv.Itoa(len(c.record.Value)))
		reason = append(reason, omitted)
		out.Value, out.Headers = nil, append(out.Headers, omitted)
		if size(out) > recordBytes {
			out.Headers = reason
		}
		if size(out) > recordBytes {
			out.Key = nil
		}
	}
	return out
}

// wordBytes bounds a text in an answer that quotes the command: names and
// values may be as long as the record, which would not fit twice.
const wordBytes = 2000

func clip(s string) string {
	if len(s) <= wordBytes {
		return s
	}
	return strings.ToValidUTF8(s[:wordBytes], "") + "..."
}

func size(r *kgo.Record) int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 8
	}
	return n
}
