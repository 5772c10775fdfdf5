package roundtrip

import (
	"encoding/json"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/sandbox/stage"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// command is a command as a producer writes it.
type command struct {
	ID                 string            `json:"id"`
	Op                 string            `json:"op"`
	Object             planhat.Object    `json:"object"`
	Target             map[string]string `json:"target,omitempty"`
	Fields             fields            `json:"fields,omitempty"`
	AllowUnknownFields bool              `json:"allowUnknownFields,omitempty"`
}

// send writes commands, each under its own Kafka key, and gives their results in
// their order.
func (w *world) send(t *testing.T, commands ...command) []schemas.Result {
	t.Helper()
	var records []*kgo.Record
	for _, c := range commands {
		value, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, &kgo.Record{Topic: w.names.Commands(vendor, stage.Workspace), Key: []byte(c.ID), Value: value})
	}
	if err := w.producer.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	out := make([]schemas.Result, len(commands))
	for n, c := range commands {
		w.until(t, "the result of "+c.ID, func() (there bool) {
			out[n], there = w.results[c.ID]
			return there
		})
	}
	return out
}

// row is the row of a record as its listing has it, nil if there is none.
func (w *world) row(t *testing.T, listing, id string) fields {
	t.Helper()
	for _, row := range w.rows(t, listing) {
		if row["_id"] == id {
			return row
		}
	}
	return nil
}

func (w *world) rows(t *testing.T, listing string) []fields {
	t.Helper()
	var raw []json.RawMessage
	if err := json.Unmarshal(w.sim.State(listing), &raw); err != nil {
		t.Fatal(err)
	}
	rows := make([]fields, len(raw))
	for n := range raw {
		rows[n] = decode(t, raw[n])
	}
	return rows
}
