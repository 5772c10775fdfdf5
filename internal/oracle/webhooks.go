package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Webhook is one record of the intake's topic: an event as the vendor sent it.
type Webhook struct {
	Place
	Key string
	Err error // why the body could not be read; then only Key and Place count

	Event          string // its id; "" in the old form, which has none
	Entity, ID     string
	Data, Previous Row // nil: none; custom fields of either form under custom_fields
	Old            bool
}

// Delivery is one attempt of the vendor to deliver an event.
type Delivery struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Event   string    `json:"event_id"`
	Hook    int64     `json:"webhook_id"`
	Entity  string    `json:"entity"`
	ID      recordID  `json:"id"`
	Attempt int       `json:"attempt"` // 0: none was made
	Status  int       `json:"status"`  // 0: there was no answer
	Outcome string    `json:"outcome"` // delivered: it was answered 2xx; else why not
}

// Answered is true of a delivery that the vendor takes for done.
func (d Delivery) Answered() bool { return d.Outcome == "delivered" }

// readWebhook reads a body of either form.
func readWebhook(at Place, key string, body []byte) Webhook {
	w := Webhook{Place: at, Key: key}
	var form struct {
		Meta struct {
			ID       json.RawMessage `json:"id"`
			Entity   string          `json:"entity"`
			EntityID string          `json:"entity_id"`
			Object   string          `json:"object"`
		} `json:"meta"`
		Data     json.RawMessage `json:"data"`
		Current  json.RawMessage `json:"current"`
		Previous json.RawMessage `json:"previous"`
	}
	if err := json.Unmarshal(body, &form); err != nil {
		w.Err = fmt.Errorf("read the webhook: %w", err)
		return w
	}
	var data, previous error
	if w.Old = form.Meta.Object != ""; w.Old {
		w.Entity, w.ID = form.Meta.Object, string(form.Meta.ID)
		w.Data, data = parseRow(form.Current)
		w.Previous, previous = parseRow(form.Previous)
		w.Data, w.Previous = nested(w.Data), nested(w.Previous)
	} else {
		w.Entity, w.ID = form.Meta.Entity, form.Meta.EntityID
		w.Err = json.Unmarshal(form.Meta.ID, &w.Event)
		w.Data, data = parseRow(form.Data)
		w.Previous, previous = parseRow(form.Previous)
	}
	w.Err = errors.Join(w.Err, data, previous)
	return w
}

// customCode is how an account's own field is named.
var customCode = regexp.MustCompile(`^[0-9a-f]{40}$`)

// nested puts the custom fields of the old form where the new one has them.
func nested(row Row) Row {
	if row == nil {
		return nil
	}
	out, custom := Row{}, Row{}
	for name, v := range row {
		if customCode.MatchString(name) {
			custom[name] = v
		} else {
			out[name] = v
		}
	}
	out[customFields] = custom
	return out
}

// checkDelivered: whatever was answered is on the intake's topic, nothing else is,
// and what it told of is on the change topics, unless something newer is.
func checkDelivered(e Evidence) []Mismatch {
	out := checkKept(e)
	for _, o := range e.Objects {
		out = append(out, checkTold(o, e.Webhooks)...)
	}
	return out
}

func checkKept(e Evidence) []Mismatch {
	kept := map[string]bool{}
	for _, w := range e.Webhooks {
		kept[w.name()] = true
	}
	var out []Mismatch
	sent, told := map[string]bool{}, map[string]bool{}
	for _, d := range e.Deliveries {
		record := d.Entity + "/" + string(d.ID)
		sent[d.Event], sent[record] = true, true
		if d.Answered() && !kept[d.Event] && !kept[record] && !told[d.Event] {
			told[d.Event] = true
			out = append(out, mismatchAt(nowhere(e.Intake), record, "event %s was answered with %d, but the topic does not have it", d.Event, d.Status))
		}
	}
	for _, w := range e.Webhooks {
		switch {
		case w.Err != nil:
			out = append(out, mismatchAt(w.Place, w.Key, "the webhook cannot be read: %v", w.Err))
		case !sent[w.name()]:
			out = append(out, mismatchAt(w.Place, w.Key, "invented: the vendor never sent event %s", w.name()))
		}
	}
	return out
}

// name is the event's id, or the record where the form has none.
func (w Webhook) name() string {
	if w.Event != "" {
		return w.Event
	}
	return w.Entity + "/" + w.ID
}

// checkTold: no record of the vendor is older on its topic than an event said.
func checkTold(o ObjectEvidence, webhooks []Webhook) []Mismatch {
	live, last := fold(o.Changes)
	var out []Mismatch
	for _, w := range webhooks {
		if w.Err != nil || w.Entity != o.Object || o.State[w.ID] == nil {
			continue // what is gone by now was superseded by its delete
		}
		if _, seen := last[w.ID]; !seen {
			out = append(out, mismatchAt(w.Place, w.ID, "an event of the record was taken, but %s has none", o.Topic))
			continue
		}
		said, ok := o.stamp(w.Data)
		have, known := o.stamp(live[w.ID].After)
		if ok && known && have.Before(said) {
			out = append(out, mismatchAt(w.Place, w.ID, "the event is of %s, but the record on %s is of %s: its change is missing",
				said.Format(time.RFC3339), o.Topic, have.Format(time.RFC3339)))
		}
	}
	return out
}

// checkStamps: the events of a record never go back behind what was told.
func checkStamps(e Evidence) []Mismatch {
	var out []Mismatch
	for _, o := range e.Objects {
		newest := map[string]time.Time{}
		for _, c := range o.Changes {
			at, ok := o.stamp(c.After)
			if !ok {
				continue
			}
			if before := newest[c.Key]; at.Before(before) {
				out = append(out, mismatchAt(c.Place, c.Key, "the record is of %s, and was of %s before: an older state after a newer one",
					at.Format(time.RFC3339), before.Format(time.RFC3339)))
				continue
			}
			newest[c.Key] = at
		}
	}
	return out
}

// WebhookCoverage counts what became of the vendor's events.
type WebhookCoverage struct {
	Events   int // that the vendor made
	Answered int // of these, the ones that were answered 2xx
	Repeated int // that were sent again after they had been answered
	Retried  int // that were sent again as they had not
	Lost     int // that never arrived
}

func coverWebhooks(deliveries []Delivery) WebhookCoverage {
	byEvent := map[string][]Delivery{}
	for _, d := range deliveries {
		byEvent[d.Event] = append(byEvent[d.Event], d)
	}
	var c WebhookCoverage
	for _, attempts := range byEvent {
		c.Events++
		first := slices.IndexFunc(attempts, Delivery.Answered)
		switch {
		case first < 0:
			c.Lost++
			continue
		case first > 0:
			c.Retried++
		}
		c.Answered++
		if first < len(attempts)-1 {
			c.Repeated++
		}
	}
	return c
}
