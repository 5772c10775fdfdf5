package ctl

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/ctl/letters"
	pipedriveapi "github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// kind is what a topic holds.
type kind int

const (
	kindUnknown kind = iota
	kindChanges
	kindCommands
	kindResults
	kindDeadLetters
	kindWebhooks
	kindJSON // any other topic
)

// shownTopic is a topic to be shown.
type shownTopic struct {
	name   string
	kind   kind
	vendor string // "": of none
	object string // of changes
}

// decoded is a record in words and as a value.
type decoded struct {
	text  string // without time and place
	value any    // for JSON
}

// decode never fails: what cannot be read is shown as such.
func (t *tool) decode(ctx context.Context, e *environment, topic shownTopic, rec *kgo.Record) decoded {
	if rec.Value == nil && topic.kind != kindDeadLetters {
		return decoded{strings.TrimSpace("- " + topic.object + " " + string(rec.Key) + " tombstone"), nil}
	}
	var d decoded
	var err error
	switch topic.kind {
	case kindChanges:
		d, err = t.decodeChange(ctx, e, topic, rec)
	case kindResults:
		var r schemas.Result
		if r, err = t.decodeResult(ctx, e.resolver, rec.Value); err == nil {
			d = decoded{resultText(&r), resultValue(&r)}
		}
	case kindCommands:
		d, err = decodeCommand(ctx, e, rec.Value)
	case kindDeadLetters:
		d = decodeDeadLetter(ctx, e, rec)
	case kindWebhooks:
		d, err = decodeWebhook(rec.Value)
	default:
		d, err = decodeJSON(rec.Value)
	}
	if err != nil {
		return undecodable(rec, err)
	}
	return d
}

type undecodableJSON struct {
	Undecodable string `json:"undecodable"` // why
	Base64      string `json:"base64"`
}

func undecodable(rec *kgo.Record, err error) decoded {
	return decoded{
		text:  fmt.Sprintf("? %s %d bytes: %v", rec.Key, len(rec.Value), err),
		value: undecodableJSON{err.Error(), base64.StdEncoding.EncodeToString(rec.Value)},
	}
}

// decodeChange asks the registry for the writer's schema, and takes its own
// where the registry cannot be asked.
func (t *tool) decodeChange(ctx context.Context, e *environment, topic shownTopic, rec *kgo.Record) (decoded, error) {
	change, err := schemas.DecodeAnyEnvelope(ctx, rec.Value, e.resolver)
	if err != nil {
		codec, ownErr := schemas.NewCodec(topic.vendor, topic.object)
		if ownErr != nil {
			return decoded{}, err
		}
		if change, ownErr = codec.DecodeEnvelope(rec.Value); ownErr != nil {
			return decoded{}, err
		}
		t.warn(err)
	}
	text := fmt.Sprintf("%s %s %s", change.Op, topic.object, rec.Key)
	if len(change.Changed) > 0 {
		text += " " + strings.Join(tellStatus(&change), ",")
	}
	return decoded{text, changeValue(&change)}, nil
}

// tellStatus are the names that changed, with the new status: who follows a topic waits
// for a deal to be won.
func tellStatus(change *schemas.Envelope) []string {
	var after struct {
		Status string `json:"status"`
	}
	names := slices.Clone(change.Changed)
	if i := slices.Index(names, "status"); i >= 0 && json.Unmarshal(change.After, &after) == nil && after.Status != "" {
		names[i] = "status=" + after.Status
	}
	return names
}

func decodeCommand(ctx context.Context, e *environment, value []byte) (decoded, error) {
	c, problem := schemas.DecodeCommand(ctx, value, e.resolver)
	if problem != nil {
		return decoded{}, fmt.Errorf("%s", problem)
	}
	raw, err := schemas.CommandJSON(c)
	if err != nil {
		return decoded{}, err
	}
	return decoded{commandText(c), json.RawMessage(raw)}, nil
}

func commandText(c schemas.Command) string {
	words := []string{c.Op, c.Object}
	if name, value := c.Target.Key(); name != "" {
		words = append(words, name+"="+value)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.Fields, &fields) == nil && len(fields) > 0 {
		words = append(words, strings.Join(sortedKeys(fields), ","))
	}
	if c.ID != "" {
		words = append(words, "("+c.ID+")")
	}
	return strings.Join(words, " ")
}

// decodeDeadLetter: its value is as the producer sent it, its headers say why it
// is here. A mark says that a letter is settled.
func decodeDeadLetter(ctx context.Context, e *environment, rec *kgo.Record) decoded {
	if m, ok := letters.ReadMark(rec); ok {
		text := string(m.State) + " " + letters.Name(m.Letter)
		if m.NewID != "" {
			text += " as " + m.NewID
		}
		return decoded{text: text}
	}
	l := letters.Read(rec)
	reason := string(l.Code)
	if l.Message != "" {
		reason += ": " + l.Message
	}
	if l.Omitted {
		return decoded{text: fmt.Sprintf("%s <- too large for a letter: %s of %s", reason, letters.Name(l.Command), l.Topic)}
	}
	d, err := decodeCommand(ctx, e, rec.Value)
	if err != nil {
		d = undecodable(rec, err)
	}
	switch {
	case reason != "" && err != nil: // the reason says it already
		d.text = fmt.Sprintf("%s <- ? %s %d bytes", reason, rec.Key, len(rec.Value))
	case reason != "":
		d.text = strings.TrimSpace(reason + " <- " + d.text)
	}
	return d
}

// decodeWebhook: its value is as the vendor sent it, in either form.
func decodeWebhook(value []byte) (decoded, error) {
	d, err := decodeJSON(value)
	if err != nil {
		return d, err
	}
	event, err := pipedriveapi.ParseEvent(value)
	if err != nil {
		return d, nil //nolint:nilerr // shown as it is
	}
	d.text = strings.Join([]string{event.Action, event.Entity, event.EntityID}, " ")
	if event.ID != "" {
		d.text += fmt.Sprintf(" attempt %d (%s)", event.Attempt, event.ID)
	}
	d.text = strings.Map(onLine, d.text) // strings of anybody's JSON
	return d, nil
}

// onLine keeps a text on its line, and terminals from obeying it.
func onLine(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

func decodeJSON(value []byte) (decoded, error) {
	if !json.Valid(value) {
		return decoded{}, fmt.Errorf("the value is not JSON")
	}
	return decoded{string(value), json.RawMessage(value)}, nil
}

// shownRecord is a record as JSON.
type shownRecord struct {
	Topic     string            `json:"topic"`
	Partition int32             `json:"partition"`
	Offset    int64             `json:"offset"`
	Timestamp time.Time         `json:"timestamp"`
	Key       *string           `json:"key"`
	Headers   map[string]string `json:"headers"`
	Value     any               `json:"value"`
}

func (t *tool) show(ctx context.Context, e *environment, topic shownTopic, output string, rec *kgo.Record) {
	d := t.decode(ctx, e, topic, rec)
	if output == "text" {
		fmt.Fprintf(t.Stdout, "%s %s\n", rec.Timestamp.UTC().Format(timeLayout), d.text)
		return
	}
	r := shownRecord{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp.UTC(), Headers: map[string]string{}, Value: d.value}
	if rec.Key != nil {
		key := string(rec.Key)
		r.Key = &key
	}
	for _, h := range rec.Headers {
		r.Headers[h.Key] = string(h.Value)
	}
	printJSON(t.Stdout, r)
}

const timeLayout = "2006-01-02T15:04:05.000Z"
