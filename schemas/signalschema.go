package schemas

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// SignalJSONSchema prints the JSON Schema (draft 2020-12) of signals, and
// NotificationJSONSchema that of notifications. The files in json/ hold what
// both give.
func SignalJSONSchema() ([]byte, error) {
	var kinds []string
	for _, d := range signalDocs {
		kinds = append(kinds, d.Signal)
	}
	properties := propertiesOf(signalMembers)
	properties[1].value = ordered{{"enum", kinds}, {"description", signalMembers[1].doc}}
	one := func(members ...string) ordered {
		var each []ordered
		for _, m := range members {
			each = append(each, ordered{{"required", []string{m}}})
		}
		return ordered{{"oneOf", each}}
	}
	when := func(signal string, then ordered) ordered {
		return ordered{{"if", ordered{{"properties", ordered{{"signal", ordered{{"const", signal}}}}}}}, {"then", then}}
	}
	stream := ordered{{"anyOf", []ordered{{{"required", []string{"stream"}}}, {{"required", []string{"object"}}}}}}
	return printed(ordered{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "urn:planhat-bridge:signal"},
		{"title", "Signal to the source"},
		{"type", "object"},
		{"required", []string{"signal"}},
		{"properties", properties},
		{"additionalProperties", false},
		{"allOf", []ordered{
			one("workspace", "account"),
			when(SignalObject, stream), when(SignalRecord, stream), when(SignalRecord, one("record", "externalId")),
		}},
	})
}

// NotificationJSONSchema is described at SignalJSONSchema.
func NotificationJSONSchema() ([]byte, error) {
	var kinds []ordered
	for _, d := range notificationDocs {
		kinds = append(kinds, ordered{{"const", d.Kind}, {"description", d.Doc}})
	}
	var codes []ordered
	for _, d := range signalCodeDocs {
		codes = append(codes, ordered{{"const", d.Code}, {"description", d.Doc}})
	}
	properties := propertiesOf(notificationMembers)
	for i, p := range properties {
		switch p.name {
		case "kind":
			properties[i].value = ordered{{"oneOf", kinds}}
		case "code":
			properties[i].value = ordered{{"oneOf", codes}}
		case "snapshot":
			properties[i].value = ordered{
				{"type", "object"}, {"description", "how far a snapshot is"}, {"required", []string{"records", "calls"}},
				{"properties", propertiesOf(snapshotMembers)},
			}
		}
	}
	return printed(ordered{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "urn:planhat-bridge:notification"},
		{"title", "Notification of the source"},
		{"description", "Later versions may add members and kinds: read on over what you do not know."},
		{"type", "object"},
		{"required", []string{"kind", "at", "message"}},
		{"properties", properties},
	})
}

// memberDoc describes a member of a JSON object.
type memberDoc struct{ name, kind, format, doc string }

var signalMembers = []memberDoc{
	{"id", "string", "", "the answer repeats it; without one the answer names topic/partition/offset"},
	{"signal", "string", "", "what is to be done"},
	{"workspace", "string", "", "for whom it is: a workspace of Planhat"},
	{"account", "string", "", "or an account of Pipedrive; its streams are named as its objects"},
	{"stream", "string", "", "a listing: companies, endusers, ...; pause, resume and release without stream and object are for the whole workspace"},
	{"object", "string", "", "instead of the stream: company, note, ...; of an account: deal, organization, person, note, pipeline"},
	{"record", "string", "", "the _id of the record, or its id in an account, of a record signal"},
	{"externalId", "string", "", "instead of record, in a workspace"},
	{"notAfter", "string", "date-time", "read later than this the signal is refused as EXPIRED; absent: it is obeyed whenever it is read"},
	{"reason", "string", "", "for people: status and notifications repeat it"},
}

var notificationMembers = []memberDoc{
	{"kind", "string", "", "what it tells"},
	{"at", "string", "date-time", "when, by the bridge's clock"},
	{"workspace", "string", "", "of which workspace"},
	{"account", "string", "", "of which account"},
	{"stream", "string", "", "of which stream; absent: of the whole workspace or account"},
	{"object", "string", "", "of which object, where it is about one"},
	{"record", "string", "", "the _id of the record that it is about, or its id in an account"},
	{"id", "string", "", "of the signal that is answered, or that this is due to"},
	{"signal", "string", "", "that signal"},
	{"code", "string", "", "why a signal was refused"},
	{"message", "string", "", "for people: what was done or has happened, why, and what to do"},
	{"snapshot", "object", "", "how far a snapshot is"},
	{"factor", "number", "", "of targets.stretched: how many times longer the targets are"},
}

var snapshotMembers = []memberDoc{
	{"records", "integer", "", "read so far"},
	{"recordsExpected", "integer", "", "of about so many; absent: not known"},
	{"calls", "integer", "", "made so far"},
	{"callsExpected", "integer", "", "of about so many; absent: not known"},
	{"minutesLeft", "number", "", "until the end, about; absent: not known"},
}

func propertiesOf(members []memberDoc) ordered {
	out := make(ordered, len(members))
	for i, m := range members {
		p := ordered{{"type", m.kind}}
		if m.format != "" {
			p = append(p, pairOf{"format", m.format})
		}
		out[i] = pairOf{m.name, append(p, pairOf{"description", m.doc})}
	}
	return out
}

func printed(doc ordered) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("print a JSON Schema: %w", err)
	}
	return out.Bytes(), nil
}

func contractSignals(m *markdown) error {
	m.heading(2, "Signals")
	m.text("A signal is a JSON object on the signals topic, from planhatctl or from any producer. Each is obeyed once, by whichever process " +
		"owns the workspace, and answered once on the notifications topic; JSON Schema: `schemas/json/signal.schema.json`.")
	m.members(signalMembers)
	m.table("signal", "meaning")
	for _, d := range signalDocs {
		m.row(code(d.Signal), d.Doc)
	}
	m.heading(2, "Notifications")
	m.text("JSON on the notifications topic; JSON Schema: `schemas/json/notification.schema.json`. What belongs to a change of the state is told " +
		"exactly once to readers of committed records; the others (tokens, rights, targets, progress, a stream that is held) at most once by each " +
		"owner, and again by the next one while they last.")
	m.members(notificationMembers)
	m.members(snapshotMembers, "snapshot.")
	m.table("kind", "meaning")
	for _, d := range notificationDocs {
		m.row(code(string(d.Kind)), d.Doc)
	}
	m.WriteByte('\n')
	m.table("code of a refusal", "meaning")
	for _, d := range signalCodeDocs {
		m.row(code(string(d.Code)), d.Doc)
	}
	return nil
}

func (m *markdown) members(members []memberDoc, prefix ...string) {
	if len(prefix) == 0 {
		prefix = []string{""}
		m.table("member", "type", "meaning")
	} else {
		m.table("member of "+code("snapshot"), "type", "meaning")
	}
	for _, d := range members {
		kind := d.kind
		if d.format != "" {
			kind = d.format
		}
		m.row(code(prefix[0]+d.name), kind, d.doc)
	}
	m.WriteByte('\n')
}
