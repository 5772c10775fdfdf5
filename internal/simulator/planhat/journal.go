package planhatsim

import (
	"encoding/json"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// Entry is one write that took effect, or an update that found nothing to change.
type Entry struct {
	Seq    int64           `json:"seq"` // from 1, without gaps
	At     time.Time       `json:"at"`
	Via    string          `json:"via"`            // api, life, seed; vendor for what a write brought about elsewhere
	Op     string          `json:"op"`             // create, update, delete, upsert
	Effect string          `json:"effect"`         // created, updated, unchanged, deleted
	Object string          `json:"object"`         // company, enduser, note, conversation, license, ...
	Was    string          `json:"was,omitempty"`  // the object before, where an update changed it
	Also   string          `json:"also,omitempty"` // "ticket" where a conversation is or was one: it is in two listings
	ID     string          `json:"id"`
	Keys   Keys            `json:"keys"`
	Fields json.RawMessage `json:"fields,omitempty"` // as sent; absent for deletes and the seed
	Row    json.RawMessage `json:"row,omitempty"`    // with Options.JournalRows: the listing's row after it
	Call   int64           `json:"call,omitempty"`   // number of the API call
}

// Keys are a record's keys after a write; for a delete, before it.
type Keys struct {
	ExternalID string `json:"externalId,omitempty"`
	SourceID   string `json:"sourceId,omitempty"`
	Email      string `json:"email,omitempty"`
}

func (tx *Tx) log(m *model, r *record, op, effect string, sent document) {
	tx.logAs(m, r, r.kind, op, effect, sent)
}

// logAs journals a write on a record whose type was kind before it.
func (tx *Tx) logAs(m *model, r *record, kind, op, effect string, sent document) {
	if tx.op != "" {
		op = tx.op
	}
	e := Entry{
		Seq: int64(len(tx.s.journal)) + 1, At: tx.at.UTC(), Via: tx.via, Op: op, Effect: effect,
		Object: m.objectOf(r.kind), ID: r.id, Keys: Keys{r.external, r.source, r.email}, Call: tx.call,
	}
	if was := m.objectOf(kind); was != e.Object {
		e.Was = was
	}
	if m.stored() == conversationModel && (r.kind == ticketKind || kind == ticketKind) {
		e.Also = ticketKind
	}
	if sent != nil && tx.via != "seed" {
		e.Fields = sent.appendTo(nil, nil)
	}
	if tx.s.journalRows && !r.deleted {
		e.Row = tx.row(nil, m.stored(), r, nil)
	}
	tx.s.journal = append(tx.s.journal, e)
}

// Call is one request of the API as it was answered.
type Call = simkit.Call
