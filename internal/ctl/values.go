package ctl

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// printJSON prints a value on one line.
func printJSON(w io.Writer, v any) {
	raw, err := encode(v)
	if err != nil {
		raw, _ = json.Marshal(map[string]string{"error": err.Error()}) //nolint:errchkjson // strings
	}
	fmt.Fprintf(w, "%s\n", raw)
}

// resultText is a result in one line; the first words are status and effect, or
// status and error code.
func resultText(r *schemas.Result) string {
	if r.Error != nil {
		return fmt.Sprintf("%s %s: %s (%s)", r.Status, r.Error.Code, sentence(r.Error.Message, r.Error.Remedy), r.CommandID)
	}
	words := []string{string(r.Status), string(r.Effect), r.Object}
	if r.RecordID != "" {
		words = append(words, r.RecordID)
	}
	return strings.Join(words, " ") + " (" + r.CommandID + ")"
}

// sentence joins a message and its remedy, which may be a clause or a sentence.
func sentence(message, remedy string) string {
	first, _ := utf8.DecodeRuneInString(remedy)
	switch {
	case remedy == "":
		return message
	case strings.HasSuffix(message, "?"):
		return message + " " + remedy
	case unicode.IsLower(first):
		return strings.TrimRight(message, ". ") + "; " + remedy
	}
	return strings.TrimRight(message, ". ") + ". " + remedy
}

// resultJSON is a result as the topic's schema names things.
type resultJSON struct {
	CommandID  string           `json:"commandId"`
	Op         string           `json:"op"`
	Object     string           `json:"object"`
	Status     string           `json:"status"`
	Effect     string           `json:"effect"`
	RecordID   *string          `json:"recordId"`
	Record     json.RawMessage  `json:"record"`
	Error      *resultErrorJSON `json:"error"`
	Attempts   int              `json:"attempts"`
	Calls      int              `json:"calls"`
	ReceivedAt *time.Time       `json:"receivedAt"`
	FinishedAt *time.Time       `json:"finishedAt"`
	Topic      string           `json:"topic"`
	Partition  int32            `json:"partition"`
	Offset     int64            `json:"offset"`
}

type resultErrorJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
}

func resultValue(r *schemas.Result) resultJSON {
	out := resultJSON{
		CommandID: r.CommandID, Op: r.Op, Object: r.Object, Status: string(r.Status), Effect: string(r.Effect), Record: orNull(r.Record),
		Attempts: r.Attempts, Calls: r.Calls, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		ReceivedAt: timeOrNull(r.ReceivedAt), FinishedAt: timeOrNull(r.FinishedAt),
	}
	if r.RecordID != "" {
		out.RecordID = &r.RecordID
	}
	if e := r.Error; e != nil {
		out.Error = &resultErrorJSON{string(e.Code), e.Message, e.Remedy}
	}
	return out
}

// changeJSON is an envelope as its schema names things.
type changeJSON struct {
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
	Source  sourceJSON      `json:"source"`
	Op      string          `json:"op"`
	TsMs    int64           `json:"ts_ms"`
	Changed []string        `json:"changed"`
}

type sourceJSON struct {
	Version   string `json:"version"`
	Connector string `json:"connector"`
	Name      string `json:"name"`
	TsMs      int64  `json:"ts_ms"`
	Snapshot  string `json:"snapshot"`
	DB        string `json:"db"`
	Table     string `json:"table"`
	Sequence  int64  `json:"sequence"`
	Stream    string `json:"stream"`
}

func changeValue(e *schemas.Envelope) changeJSON {
	changed := e.Changed
	if changed == nil {
		changed = []string{}
	}
	return changeJSON{orNull(e.Before), orNull(e.After), sourceJSON(e.Source), e.Op, e.TsMs, changed}
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
