package schemas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// avroResult is a result as twmb/avro reads it.
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

// AppendResult appends a result in the Confluent wire format, field by field in the
// order of result.avsc. Texts that are not UTF-8
// are repaired with U+FFFD: a result must always be writable. On error dst is returned
// as it was.
func AppendResult(dst []byte, schemaID int, r *Result) ([]byte, error) {
	out, err := appendHeader(dst, schemaID)
	if err != nil {
		return dst, fmt.Errorf("encode result of command %q: %w", r.CommandID, err)
	}
	out = appendText(out, r.CommandID)
	out = appendText(out, r.Op)
	out = appendText(out, r.Object)
	out = appendText(out, string(r.Status))
	out = appendText(out, string(r.Effect))
	out = appendOptional(out, r.RecordID)
	if r.Record == nil {
		out = append(out, branchNull)
	} else {
		out = appendText(append(out, branchValue), string(r.Record))
	}
	out = r.Error.append(out)
	out = appendLong(out, int64(int32(r.Attempts)))
	out = appendLong(out, int64(int32(r.Calls)))
	out = appendInstant(out, r.ReceivedAt)
	out = appendInstant(out, r.FinishedAt)
	out = appendText(out, r.Topic)
	out = appendLong(out, int64(r.Partition))
	return appendLong(out, r.Offset), nil
}

// append writes the error, or that there is none.
func (e *ResultError) append(dst []byte) []byte {
	if e == nil {
		return append(dst, branchNull)
	}
	dst = appendText(append(dst, branchValue), string(e.Code))
	dst = appendText(dst, e.Message)
	return appendText(dst, e.Remedy)
}

// appendOptional writes a nullable string; an empty one is null.
func appendOptional(dst []byte, s string) []byte {
	if s == "" {
		return append(dst, branchNull)
	}
	return appendText(append(dst, branchValue), s)
}

// appendInstant writes a nullable instant; zero is null.
func appendInstant(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, branchNull)
	}
	return appendLong(append(dst, branchValue), t.UnixMilli())
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
