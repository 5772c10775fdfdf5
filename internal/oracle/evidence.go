package oracle

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Evidence is everything that the checks judge. Slices hold records in the
// order of their partitions; partitions follow one another in any order.
type Evidence struct {
	Objects  []ObjectEvidence // one for each object asked for
	Commands []Command
	Results  []Result
	Journal  []Entry // the vendor's writes, oldest first
	// WithoutSource: nobody has read the change topics.
	WithoutSource bool
	// Webhooks are what the intake wrote, Deliveries what the vendor sent it and how
	// that was answered; of vendors that send some.
	Webhooks   []Webhook
	Deliveries []Delivery
	Intake     string // the intake's topic
}

// ObjectEvidence is what is known of one object.
type ObjectEvidence struct {
	Form
	Spec    planhat.Spec // of an object of Planhat, which commands may name
	Topic   string       // change topic
	Changes []Change
	State   map[string]Row // the vendor's live records by their ids
	// Rereads is how often operators asked for the records to be written again:
	// each may be on the topic as r so many times while it is live.
	Rereads int
}

// Row is a decoded JSON object; numbers are json.Number and keep their text.
type Row = map[string]any

// Place is where a record is.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
}

// Change is one record of a change topic.
type Change struct {
	Place
	Key       string
	Tombstone bool
	Err       error // why the record could not be decoded; then only Key and Place count

	Op            string
	Before, After Row // nil: none
	Sequence      int64
	Stream        string
}

// Command is one record of the commands topic.
type Command struct {
	Place
	Key     string
	Command schemas.Command
	Problem string // why it cannot be decoded: code and message; "" = decoded
}

// Result is one record of the results topic.
type Result struct {
	Place
	Key    string
	Result schemas.Result
	Err    error
}

// Entry is one write in the vendor's journal.
type Entry struct {
	Seq    int64                      `json:"seq"`
	At     time.Time                  `json:"at"`
	Via    string                     `json:"via"` // api, life, seed; vendor: what another write brought about
	Op     string                     `json:"op"`  // create, update, delete, upsert, or the vendor's word for another
	Object string                     `json:"object"`
	Was    string                     `json:"was"`  // the object before, where a write changed it; "" = the same
	Also   string                     `json:"also"` // a further object of which the record is a view; "" = none
	ID     string                     `json:"id"`
	Keys   map[string]string          `json:"keys"`
	Fields map[string]json.RawMessage `json:"fields"`
	Event  string                     `json:"event_id"` // what was sent of it; "" = nothing was
	Call   int64                      `json:"call"`
}

// UnmarshalJSON reads an entry of either simulator: Pipedrive's calls the object an
// entity, and its ids are numbers.
func (e *Entry) UnmarshalJSON(text []byte) error {
	type plain Entry
	form := struct {
		*plain
		Entity string   `json:"entity"`
		ID     recordID `json:"id"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(text, &form); err != nil {
		return err
	}
	e.Object, e.ID = cmp.Or(e.Object, form.Entity), string(form.ID)
	return nil
}

// recordID is an id as the topic's key spells it, read from a string or a number.
type recordID string

// UnmarshalJSON implements json.Unmarshaler.
func (id *recordID) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] != '"' {
		*id = recordID(text)
		return nil
	}
	return json.Unmarshal(text, (*string)(id))
}

// objects are those on whose topics the write shows.
func (e Entry) objects() []string {
	if e.Also == "" {
		return []string{e.Object}
	}
	return []string{e.Object, e.Also}
}

// value gives what the entry sent for a name; custom fields are named
// "custom.<name>" and may have been sent nested or with a dotted name.
func (e Entry) value(name string) (any, bool) {
	raw, ok := e.Fields[name]
	if inner, isCustom := strings.CutPrefix(name, "custom."); isCustom && !ok {
		var custom map[string]json.RawMessage
		if json.Unmarshal(e.Fields["custom"], &custom) == nil {
			raw, ok = custom[inner]
		}
	}
	if !ok {
		return nil, false
	}
	v, err := parse(raw)
	return v, err == nil
}

// decodeChange reads a record of a change topic.
func decodeChange(at Place, key string, value []byte, codec *schemas.Codec) Change {
	c := Change{Place: at, Key: key, Tombstone: value == nil}
	if c.Tombstone {
		return c
	}
	e, err := codec.DecodeEnvelope(value)
	if err == nil {
		c.Op, c.Sequence, c.Stream = e.Op, e.Source.Sequence, e.Source.Stream
		c.Before, err = parseRow(e.Before)
	}
	if err == nil {
		c.After, err = parseRow(e.After)
	}
	c.Err = err
	return c
}
