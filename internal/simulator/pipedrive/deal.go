package pipedrivesim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// prepare completes a record before it is stored: what one field brings about in others, and what must hold
// between them. before is nil on create; sent are the values that the caller gave.
func (t *tx) prepare(o *object, before, d doc, sent map[string]any) *problem {
	if p := t.references(o, sent); p != nil {
		return p
	}
	switch o {
	case deals:
		return t.prepareDeal(before, d, sent)
	case persons:
		return preparePerson(d, sent)
	case notes:
		return t.prepareNote(before, d, sent)
	case products:
		prepareProduct(d)
	}
	return nil
}

// references refuses ids that refer to nothing.
func (t *tx) references(o *object, sent map[string]any) *problem {
	for _, c := range o.columns {
		id, given := sent[c.name].(int64)
		if c.to == "" || !given {
			continue
		}
		found := c.to == "user" && t.s.user(id) != nil
		if target := objectsByName[c.to]; target != nil {
			found = t.store(target).get(id) != nil
		}
		if !found {
			return &problem{c.name, fmt.Sprintf("%s %d does not exist", c.to, id)}
		}
	}
	return nil
}

// local is the company's time zone; without daylight saving, so that the machine needs no tables.
var local = time.FixedZone("Europe/Stockholm", 3600)

func (t *tx) prepareDeal(before, d doc, sent map[string]any) *problem {
	if before == nil {
		d["creator_user_id"] = t.by.id
		if t.via != "api" {
			d["origin"] = "ManuallyCreated"
		}
	}
	if p := t.place(before, d, sent); p != nil {
		return p
	}
	if p := timesOfStatus(d, sent); p != nil {
		return p
	}
	if before == nil || before.text("status") != d.text("status") {
		t.closeDeal(d, sent)
	}
	switch {
	case d.flag("is_archived") && d["archive_time"] == nil:
		d["archive_time"] = t.stamp()
	case !d.flag("is_archived"):
		d["archive_time"] = nil
	}
	d["local_won_date"], d["local_lost_date"], d["local_close_date"] = localDate(d["won_time"]), localDate(d["lost_time"]), localDate(d["close_time"])
	return nil
}

func localDate(v any) any {
	s, _ := v.(string)
	at, err := time.Parse(stampLayout, s)
	if err != nil {
		return nil
	}
	return at.In(local).Format(dateLayout)
}

// place keeps stage and pipeline of a deal together.
func (t *tx) place(before, d doc, sent map[string]any) *problem {
	_, stageSent := sent["stage_id"]
	_, pipelineSent := sent["pipeline_id"]
	if !stageSent && (before == nil || pipelineSent) {
		if !pipelineSent {
			d["pipeline_id"] = t.firstOf(pipelines, 0)
		}
		d["stage_id"] = t.firstOf(stages, d.int("pipeline_id"))
	}
	stage := t.store(stages).byID[d.int("stage_id")]
	switch {
	case stage == nil:
		return &problem{"stage_id", fmt.Sprintf("pipeline %d has no stage", d.int("pipeline_id"))}
	case pipelineSent && stage.doc.int("pipeline_id") != d.int("pipeline_id"):
		return &problem{"stage_id", fmt.Sprintf("stage %d is not of pipeline %d", stage.id, d.int("pipeline_id"))}
	}
	d["pipeline_id"] = stage.doc.int("pipeline_id")
	if before != nil && before.int("stage_id") != d.int("stage_id") {
		d["stage_change_time"] = t.stamp()
	}
	return nil
}

// firstOf gives the first pipeline, or the first stage of a pipeline.
func (t *tx) firstOf(o *object, pipeline int64) int64 {
	best := slices.Clone(t.store(o).live)
	best = slices.DeleteFunc(best, func(r *record) bool { return pipeline != 0 && r.doc.int("pipeline_id") != pipeline })
	if len(best) == 0 {
		return 0
	}
	return slices.MinFunc(best, func(a, b *record) int { return int(a.doc.int("order_nr") - b.doc.int("order_nr")) }).id
}

// timesOfStatus refuses times and reasons that the status does not have.
func timesOfStatus(d doc, sent map[string]any) *problem {
	status := d.text("status")
	allowed := map[string][]string{"won": {"won_time", "close_time"}, "lost": {"lost_time", "close_time", "lost_reason"}}[status]
	for _, name := range []string{"won_time", "lost_time", "close_time", "lost_reason"} {
		if sent[name] != nil && !slices.Contains(allowed, name) {
			return &problem{name, "Parameter '" + name + "' is not allowed for a deal with status " + status}
		}
	}
	return nil
}

// closeDeal sets and clears what goes with a new status.
func (t *tx) closeDeal(d doc, sent map[string]any) {
	closed := any(t.stamp())
	for _, name := range []string{"won_time", "lost_time", "close_time"} {
		if sent[name] != nil {
			closed = sent[name]
		}
	}
	status := d.text("status")
	when := func(yes bool, v any) any {
		if yes {
			return v
		}
		return nil
	}
	if status == "open" && t.sw.Reopened == "kept" {
		d["lost_reason"] = nil
		return
	}
	d["won_time"], d["lost_time"], d["close_time"] = when(status == "won", closed), when(status == "lost", closed), when(status != "open", closed)
	if status != "lost" {
		d["lost_reason"] = nil
	}
	if status == "won" && d["first_won_time"] == nil {
		d["first_won_time"] = closed
	}
}

// preparePerson keeps the name and its parts together.
func preparePerson(d doc, sent map[string]any) *problem {
	_, whole := sent["name"]
	_, first := sent["first_name"]
	_, last := sent["last_name"]
	switch {
	case whole && !first && !last:
		name, rest, has := strings.Cut(d.text("name"), " ")
		d["first_name"], d["last_name"] = name, nil
		if has {
			d["last_name"] = rest
		}
	case !whole && (first || last):
		d["name"] = strings.TrimSpace(d.text("first_name") + " " + d.text("last_name"))
	}
	if d.text("name") == "" {
		return &problem{"name", "Parameter 'name' is required"}
	}
	return nil
}

// billing is how often a year each frequency is paid.
var billing = map[string]float64{"annually": 1, "semi-annually": 2, "quarterly": 4, "monthly": 12, "weekly": 52}

func prepareProduct(d doc) {
	sum := d.number("item_price") * d.number("quantity")
	if d.text("discount_type") == "percentage" {
		sum -= sum * d.number("discount") / 100
	} else {
		sum -= d.number("discount")
	}
	if cycles := d.number("billing_frequency_cycles"); cycles > 0 {
		sum *= cycles
	}
	d["sum"] = plainNumber(sum)
}

// revenue sets what a deal's products make of it: its value, and the recurring part of it.
func (t *tx) revenue(deal *record) {
	d := doc{}
	var sum, year float64
	attached := t.s.productsOf(deal.id)
	for _, p := range attached {
		sum += p.doc.number("sum")
		year += p.doc.number("item_price") * p.doc.number("quantity") * billing[p.doc.text("billing_frequency")]
	}
	d["arr"], d["mrr"], d["acv"] = nil, nil, nil
	if len(attached) > 0 {
		d["value"] = plainNumber(sum)
		d["arr"], d["acv"], d["mrr"] = plainNumber(year), plainNumber(year), plainNumber(year/12)
	}
	_ = t.update(deal, d) // none of these can be refused
}
