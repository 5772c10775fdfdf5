package schemas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/avro"
)

// Result answers one command.
type Result struct {
	CommandID  string
	Op, Object string // as in the command; "" where they could not be read
	Status     Status
	Effect     Effect
	RecordID   string          // the vendor's id; "" = not known
	Record     json.RawMessage // for get: the record as read; nil = none
	Error      *ResultError    // nil with StatusOK
	Attempts   int             // how often a call for this command was tried
	Calls      int             // how many calls were answered
	ReceivedAt time.Time       // zero = not known; kept to the millisecond, UTC
	FinishedAt time.Time
	Topic      string // where the command was
	Partition  int32
	Offset     int64
}

// ResultError says why a command was not done.
type ResultError struct {
	Code    Code
	Message string
	Remedy  string
}

// avroResult is a result as twmb/avro reads and writes it.
type avroResult struct {
	CommandID  string           `avro:"commandId"`
	Op         string           `avro:"op"`
	Object     string           `avro:"object"`
	Status     string           `avro:"status"`
	Effect     string           `avro:"effect"`
	RecordID   *string          `avro:"recordId"`
	Record     *string          `avro:"record"`
	Error      *avroResultError `avro:"error"`
	Attempts   int32            `avro:"attempts"`
	Calls      int32            `avro:"calls"`
	ReceivedAt *time.Time       `avro:"receivedAt"`
	FinishedAt *time.Time       `avro:"finishedAt"`
	Topic      string           `avro:"topic"`
	Partition  int32            `avro:"partition"`
	Offset     int64            `avro:"offset"`
}

type avroResultError struct {
	Code    string `avro:"code"`
	Message string `avro:"message"`
	Remedy  string `avro:"remedy"`
}

var (
	resultText = sync.OnceValue(func() string { return mustSchemaText("result.avsc") })
	resultAvro = sync.OnceValue(func() *avro.Schema { return avro.MustParse(resultText()) })

	resultReader = sync.OnceValues(func() (*avroReader, error) { return newAvroReader(resultText(), resultAvro()) })
)

// ResultSchema is the Avro schema of results, as JSON text on one line.
func ResultSchema() string { return resultText() }

// AppendResult appends a result in the Confluent wire format. Texts that are not UTF-8
// are repaired with U+FFFD: a result must always be writable. On error dst is returned
// as it was.
func AppendResult(dst []byte, schemaID int, r *Result) ([]byte, error) {
	out, err := appendHeader(dst, schemaID)
	if err != nil {
		return dst, fmt.Errorf("encode result of command %q: %w", r.CommandID, err)
	}
	w := avroResult{
		CommandID: repaired(r.CommandID), Op: repaired(r.Op), Object: repaired(r.Object),
		Status: string(r.Status), Effect: string(r.Effect), RecordID: optional(repaired(r.RecordID)),
		Attempts: int32(r.Attempts), Calls: int32(r.Calls),
		ReceivedAt: optionalTime(r.ReceivedAt), FinishedAt: optionalTime(r.FinishedAt),
		Topic: repaired(r.Topic), Partition: r.Partition, Offset: r.Offset,
	}
	if r.Record != nil {
		record := repaired(string(r.Record))
		w.Record = &record
	}
	if e := r.Error; e != nil {
		w.Error = &avroResultError{string(e.Code), repaired(e.Message), repaired(e.Remedy)}
	}
	if out, err = resultAvro().AppendEncode(out, &w); err != nil {
		return dst, fmt.Errorf("encode result of command %q: %w", r.CommandID, err)
	}
	return out, nil
}

func repaired(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// DecodeResult reads a result that was written with ResultSchema. For one written by
// another version of the bridge, use DecodeAnyResult.
func DecodeResult(value []byte) (Result, error) {
	if _, ok := WireID(value); !ok {
		return Result{}, errors.New("decode result: the value does not start with a zero byte and a schema id")
	}
	reader, err := resultReader()
	if err != nil {
		return Result{}, fmt.Errorf("decode result: %w", err)
	}
	return decodeResult(reader, value[wireHeader:])
}

// DecodeAnyResult reads a result written by any version of the bridge: the schema is
// taken from the registry.
func DecodeAnyResult(ctx context.Context, value []byte, r Resolver) (Result, error) {
	id, text, err := avroText(ctx, value, r)
	if err != nil {
		return Result{}, fmt.Errorf("decode result: %w", err)
	}
	reader, err := memoized(r, id, "result", func() (*avroReader, error) { return newAvroReader(text, resultAvro()) })
	if err != nil {
		return Result{}, fmt.Errorf("decode result: schema %d: %w", id, err)
	}
	return decodeResult(reader, value[wireHeader:])
}

func decodeResult(reader *avroReader, data []byte) (Result, error) {
	var w avroResult
	if err := reader.decode(data, &w); err != nil {
		return Result{}, fmt.Errorf("decode result: %w", err)
	}
	r := Result{
		CommandID: w.CommandID, Op: w.Op, Object: w.Object, Status: Status(w.Status), Effect: Effect(w.Effect),
		Attempts: int(w.Attempts), Calls: int(w.Calls), Topic: w.Topic, Partition: w.Partition, Offset: w.Offset,
	}
	if w.RecordID != nil {
		r.RecordID = *w.RecordID
	}
	if w.Record != nil {
		r.Record = json.RawMessage(*w.Record)
	}
	if e := w.Error; e != nil {
		r.Error = &ResultError{Code(e.Code), e.Message, e.Remedy}
	}
	if w.ReceivedAt != nil {
		r.ReceivedAt = w.ReceivedAt.UTC()
	}
	if w.FinishedAt != nil {
		r.FinishedAt = w.FinishedAt.UTC()
	}
	return r, nil
}
