package sink

import (
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

// batchBytesAround is what a batch needs beside its records.
const batchBytesAround = 200

// room is what a record may hold so that its topic takes it.
func (w *workspace) room(topic string) int {
	if w.lease == nil {
		return recordBytes
	}
	return min(recordBytes, w.lease.MaxBatch(w.ctx, topic)-batchBytesAround)
}

// result is the record that answers a command.
func (w *workspace) result(c *command) (*kgo.Record, error) {
	room := w.room(w.results)
	if n := len(c.result.record); n > room/2 {
		id := c.result.recordID
		c.refuse(rejection(schemas.CodeTooLarge, "the record has %d bytes: too many for a result", n))
		c.result.recordID = id
	}
	r := schemas.Result{
		CommandID: c.cmd.ID, Op: clip(c.cmd.Op), Object: clip(c.cmd.Object),
		Status: c.result.status, Effect: c.result.effect, RecordID: c.result.recordID, Record: c.result.record,
		Attempts: c.attempts, Calls: c.calls, ReceivedAt: c.received, FinishedAt: c.result.finished,
		Topic: c.record.Topic, Partition: c.record.Partition, Offset: c.record.Offset,
	}
	if f := c.result.refusal; f != nil {
		r.Error = &schemas.ResultError{Code: f.Code, Message: clip(f.Message), Remedy: clip(f.Remedy)}
	}
	value, err := schemas.AppendResult(nil, w.resultSchema, &r)
	if err != nil {
		return nil, err
	}
	out := &kgo.Record{Topic: w.results, Key: []byte(c.cmd.ID), Value: value, Headers: c.record.Headers}
	if size(out) > room {
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
	room := w.room(w.deadLetters)
	if size(out) > room {
		omitted := header(HeaderOmitted, strconv.Itoa(len(c.record.Value)))
		reason = append(reason, omitted)
		out.Value, out.Headers = nil, append(out.Headers, omitted)
		if size(out) > room {
			out.Headers = reason
		}
		if size(out) > room {
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
