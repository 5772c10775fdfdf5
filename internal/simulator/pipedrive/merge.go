package pipedrivesim

import (
	"fmt"
	"maps"
	"slices"
)

// merge answers PUT /{object}/{loser}/merge; the record that merge_with_id names survives.
func merge(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		v, err := parseValue(c.body)
		body, _ := v.(map[string]any)
		id, isID := body["merge_with_id"].(int64)
		if err != nil || !isID {
			return badV1("merge_with_id must be given")
		}
		loser := s.find(c, o)
		survivor := s.stores[o].get(id)
		if loser == nil || loser.deleted() || survivor == nil {
			return c.missing()
		}
		if loser == survivor {
			return badV1("A record cannot be merged with itself")
		}
		if p := s.begin("api", c.user, c.n).merge(loser, survivor); p != nil {
			return badV1(p.Error())
		}
		row := s.nestedV1(o, survivor.doc)
		row["merge_what_id"] = loser.id
		return one(row)
	}
}

// references are the columns by which records hang on one that may be merged.
var referenceColumns = map[*object]string{organizations: "org_id", persons: "person_id", deals: "deal_id"}

// merge moves what the loser has to the survivor, which wins where both have something.
func (t *tx) merge(loser, survivor *record) *problem {
	if loser.object != survivor.object || loser == survivor {
		return &problem{"merge_with_id", fmt.Sprintf("%s %d cannot be merged into %d", loser.object.name, loser.id, survivor.id)}
	}
	correlation := t.s.uuid()
	changeSurvivor := func() {
		before := survivor.doc
		d := maps.Clone(before)
		fill(survivor.object, d, loser.doc)
		d["update_time"] = t.stamp()
		t.store(survivor.object).put(d)
		t.emit(change{object: survivor.object, id: survivor.id, action: "change", before: before, after: d, mergedFrom: loser.id, correlation: correlation}, "merge")
	}
	if t.sw.MergeOrder == "change-first" {
		changeSurvivor()
		t.remove(loser, survivor.id, correlation)
	} else {
		t.remove(loser, survivor.id, correlation)
		changeSurvivor()
	}
	t.reparent(loser, survivor)
	return nil
}

// fill gives the survivor what it lacks.
func fill(o *object, d, loser doc) {
	for _, c := range o.columns {
		if c.ops != "" && empty(d[c.name]) && c.name != "archive_time" {
			d[c.name] = loser[c.name]
		}
	}
	custom := maps.Clone(loser.custom())
	maps.Copy(custom, d.custom())
	d["custom_fields"] = custom
}

func empty(v any) bool {
	list, isList := v.([]any)
	return v == nil || v == "" || isList && len(list) == 0
}

// reparent moves the records that hang on the loser, as the switch says.
func (t *tx) reparent(loser, survivor *record) {
	column := referenceColumns[loser.object]
	for _, o := range []*object{persons, deals, notes, products} {
		if o.byName[column] == nil {
			continue
		}
		for _, r := range slices.Clone(t.store(o).sortedBy("id")) {
			if r.doc.int(column) != loser.id || r.deleted() {
				continue
			}
			d := maps.Clone(r.doc)
			d[column] = survivor.id
			switch t.sw.Reparented {
			case "event":
				t.keep(r, d)
				continue
			case "stamp":
				d["update_time"] = t.stamp()
			}
			t.store(o).put(d)
			t.log(change{object: o, id: r.id, action: "change"}, "reparent")
		}
	}
}
