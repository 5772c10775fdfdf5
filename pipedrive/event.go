package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The actions of an event. A merge in version 2 is a delete of the loser, with MergedTo,
// and a change of the survivor, with MergedFrom; only version 1 has an action of its own.
const (
	ActionCreate = "create"
	ActionChange = "change"
	ActionDelete = "delete"
	ActionMerge  = "merge"
)

// Event is what a webhook delivered, in either version of the payload.
type Event struct {
	Version       string    // "1.0" or "2.0"
	Action        string    // one of the actions above; a word that nobody documents is kept
	Entity        string    // "deal", "organization", "person", "note", "pipeline", "stage", "user", ...
	EntityID      string    // of the record; a number in decimal, but for leads
	ID            string    // of the event, the same in its repetitions; "" in version 1
	CorrelationID string    //
	Timestamp     time.Time // when it happened, to the millisecond; zero: not said
	Attempt       int       // of the delivery, from 1
	CompanyID     string
	UserID        string // who made the change
	WebhookID     string
	ChangeSource  string // "app" or "api"; "": not said
	Host          string // "acme.pipedrive.com"
	MergedTo      string // a delete: the record that this one was merged into
	MergedFrom    string // a change: the record that was merged into this one

	Data       json.RawMessage // the record after the event; nil: deleted
	Previous   json.RawMessage // what it was before: in version 2 of a change only what differs; nil: created
	UpdateTime time.Time       // the record's own stamp after the event; zero: not said
}

// wireEvent has the members of both versions.
type wireEvent struct {
	Data     json.RawMessage `json:"data"`     // 2.0
	Current  json.RawMessage `json:"current"`  // 1.0
	Previous json.RawMessage `json:"previous"` // both
	Event    words           `json:"event"`    // 1.0: "updated.deal"
	Retry    json.RawMessage `json:"retry"`    // 1.0, from 0
	V        words           `json:"v"`        // 1.0
	Meta     struct {
		Action        words           `json:"action"`
		Entity        words           `json:"entity"`    // 2.0
		Object        words           `json:"object"`    // 1.0
		EntityID      words           `json:"entity_id"` // 2.0
		ID            words           `json:"id"`        // 2.0: of the event; 1.0: of the record
		CorrelationID words           `json:"correlation_id"`
		Timestamp     words           `json:"timestamp"`
		Micro         words           `json:"timestamp_micro"` // 1.0
		Attempt       json.RawMessage `json:"attempt"`         // 2.0, from 1
		CompanyID     words           `json:"company_id"`
		UserID        words           `json:"user_id"`
		WebhookID     words           `json:"webhook_id"`
		ChangeSource  words           `json:"change_source"`
		Host          words           `json:"host"`
		MergedTo      words           `json:"merged_to_id"`
		MergedFrom    words           `json:"merged_from_id"`
		Version       words           `json:"version"`
		V             words           `json:"v"`
	} `json:"meta"`
}

// ParseEvent reads the body of a delivery, in either version. It is tolerant of what
// differs between published examples and captures: ids as numbers or texts, members that
// are missing, times in three spellings. An error means that the body does not say which
// record it is about.
func ParseEvent(body []byte) (Event, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' {
		return Event{}, errors.New("the event is no JSON object")
	}
	var w wireEvent
	if err := json.Unmarshal(body, &w); err != nil {
		return Event{}, fmt.Errorf("the event cannot be decoded: %w", withoutText(err))
	}
	e := w.common()
	if w.isV1() {
		w.fillV1(&e)
	} else {
		w.fillV2(&e)
	}
	if e.EntityID == "" {
		e.EntityID = idIn(e.Data, e.Previous)
	}
	e.UpdateTime = stampIn(e)
	switch {
	case e.Entity == "":
		return Event{}, errors.New("the event does not say of which entity it is")
	case e.EntityID == "":
		return Event{}, fmt.Errorf("the event does not say which %s it is about", e.Entity)
	}
	return e, nil
}

func (w *wireEvent) common() Event {
	m := &w.Meta
	return Event{
		CorrelationID: string(m.CorrelationID), CompanyID: string(m.CompanyID), UserID: string(m.UserID),
		WebhookID: string(m.WebhookID), ChangeSource: string(m.ChangeSource), Host: string(m.Host),
		MergedTo: string(m.MergedTo), MergedFrom: string(m.MergedFrom), Previous: record(w.Previous),
	}
}

// isV1 tells the versions apart: by what they say, else by the member that has the record.
func (w *wireEvent) isV1() bool {
	for _, said := range []words{w.Meta.Version, w.V, w.Meta.V} {
		if said != "" {
			return said == "1" || strings.HasPrefix(string(said), "1.")
		}
	}
	return w.Data == nil && (w.Current != nil || w.Event != "")
}

func (w *wireEvent) fillV1(e *Event) {
	m := &w.Meta
	e.Version, e.Data = "1.0", record(w.Current)
	action, entity, _ := strings.Cut(string(w.Event), ".")
	e.Action = normal(string(m.Action), action)
	e.Entity, e.EntityID = string(m.Object), string(m.ID)
	if e.Entity == "" {
		e.Entity = entity
	}
	e.Timestamp = timeOf(m.Micro, m.Timestamp)
	retry, _ := integer(w.Retry)
	e.Attempt = attempt(retry + 1)
}

func (w *wireEvent) fillV2(e *Event) {
	m := &w.Meta
	e.Version, e.Data = "2.0", record(w.Data)
	e.Action = normal(string(m.Action), "")
	e.Entity, e.EntityID, e.ID = string(m.Entity), string(m.EntityID), string(m.ID)
	e.Timestamp = timeOf(m.Timestamp)
	number, _ := integer(m.Attempt)
	e.Attempt = attempt(number)
}

// attempt keeps a number that cannot be one of an attempt out of the event.
func attempt(n int64) int {
	const most = 1000
	return int(min(max(n, 1), most))
}

var actions = map[string]string{
	"added": ActionCreate, "updated": ActionChange, "deleted": ActionDelete, "merged": ActionMerge,
}

// normal is the action in the words of version 2. What has none is taken as a change: what
// became of the record has to be looked up anyway.
func normal(said, orElse string) string {
	action := strings.ToLower(said)
	if action == "" {
		action = strings.ToLower(orElse)
	}
	if known, ok := actions[action]; ok {
		return known
	}
	if action == "" {
		return ActionChange
	}
	return action
}

func timeOf(spellings ...words) time.Time {
	for _, s := range spellings {
		if at, err := ParseTime(string(s)); err == nil {
			return at
		}
	}
	return time.Time{}
}

// record is an object, or the only one of a list (events of users); nil: neither.
func record(raw json.RawMessage) json.RawMessage {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return nil
	}
	if raw[0] == '[' {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) == nil && len(list) == 1 {
			return record(list[0])
		}
	}
	if raw[0] != '{' {
		return nil
	}
	return raw
}

func idIn(records ...json.RawMessage) string {
	for _, raw := range records {
		var r struct {
			ID words `json:"id"`
		}
		if raw != nil && json.Unmarshal(raw, &r) == nil && r.ID != "" {
			return string(r.ID)
		}
	}
	return ""
}

// stampIn is the record's stamp after the event. The last state of a deleted record has
// the time of its deletion; the previous state of a changed one has an older stamp.
func stampIn(e Event) time.Time {
	if e.Data != nil {
		return UpdateTime(e.Data)
	}
	if e.Action == ActionDelete && e.Previous != nil {
		return UpdateTime(e.Previous)
	}
	return time.Time{}
}

// Held names the fields that had a value before the event: of a field that is null or
// absent in the record now, it was cleared. Names are those of REST's version 2; custom
// fields are "custom_fields.<code>". What is missing here may have had one all the same:
// version 2 names only what changed, and not always all of it.
func (e Event) Held() []string {
	var previous map[string]json.RawMessage
	if e.Previous == nil || json.Unmarshal(e.Previous, &previous) != nil {
		return nil
	}
	var names []string
	for name, value := range previous {
		switch {
		case name == "custom_fields":
			names = append(names, heldCustom(value)...)
		case !isEmpty(value):
			names = append(names, e.restName(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func heldCustom(raw json.RawMessage) []string {
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return nil
	}
	var names []string
	for code, value := range values {
		if !isEmpty(value) {
			names = append(names, "custom_fields."+code)
		}
	}
	return names
}

// isEmpty reports null, "" and [], with which version 1 writes fields without a value.
func isEmpty(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return isNull(raw) || string(raw) == `""` || string(raw) == "[]"
}

// namesOfV1 are fields that version 2 calls otherwise. A note's user stays one.
var namesOfV1 = map[string]string{"email": "emails", "phone": "phones", "label": "label_ids"}

const codeLength = 40

// restName is a field's name in version 2 of REST. In version 1 custom fields stand among
// the others, and their parts have names of their own: <code>_currency.
func (e Event) restName(name string) string {
	if e.Version != "1.0" || e.Entity == string(Note) {
		return name
	}
	if len(name) >= codeLength && isCode(name[:codeLength]) && (len(name) == codeLength || name[codeLength] == '_') {
		return "custom_fields." + name[:codeLength]
	}
	if known, ok := namesOfV1[name]; ok {
		return known
	}
	if name == "user_id" && e.Entity == string(Deal) {
		return "owner_id"
	}
	return name
}

func isCode(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }
