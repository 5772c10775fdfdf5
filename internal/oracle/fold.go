package oracle

import (
	"maps"
	"slices"
	"strings"
)

// checkFold holds every change topic, folded by key, against the vendor's state.
func checkFold(e Evidence) []Mismatch {
	var out []Mismatch
	if e.WithoutSource {
		return nil
	}
	for _, o := range e.Objects {
		out = append(out, foldObject(o)...)
	}
	return out
}

func foldObject(o ObjectEvidence) []Mismatch {
	folded, last := fold(o.Changes)
	var out []Mismatch
	for _, id := range slices.Sorted(maps.Keys(folded)) {
		c := folded[id]
		row, ok := o.State[id]
		switch {
		case !ok:
			out = append(out, mismatchAt(c.Place, id, "the topic holds a record that the vendor does not have: invented, or its delete is missing"))
		default:
			if names := o.differs(c.After, row); len(names) > 0 {
				out = append(out, mismatchAt(c.Place, id, "the last event of the record is not the vendor's state: %s; a later event is missing or out of order", compare(c.After, row, names)))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.State)) {
		if _, ok := folded[id]; ok {
			continue
		}
		if c, seen := last[id]; seen {
			out = append(out, mismatchAt(c.Place, id, "the vendor has the record, but the topic ends with its delete: an event after it is missing"))
			continue
		}
		out = append(out, mismatchAt(nowhere(o.Topic), id, "the vendor has the record, but the topic has no event of it"))
	}
	return out
}

// fold gives the last event of each live record, and the last record of each key.
func fold(changes []Change) (live, last map[string]Change) {
	live, last = map[string]Change{}, map[string]Change{}
	for _, c := range changes {
		last[c.Key] = c
		if c.Tombstone || c.Op == "d" {
			delete(live, c.Key)
			continue
		}
		if c.Err == nil {
			live[c.Key] = c
		}
	}
	return live, last
}

// settled tells without words what foldObject tells: whether there is nothing
// to wait for.
func settled(o ObjectEvidence) bool {
	live, _ := fold(o.Changes)
	if len(live) != len(o.State) {
		return false
	}
	for id, c := range live {
		row, ok := o.State[id]
		if !ok || len(o.differs(c.After, row)) > 0 {
			return false
		}
	}
	return true
}

func compare(have, want Row, names []string) string {
	parts := make([]string, 0, 3)
	for i, name := range names {
		if i == cap(parts) {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, name+" is "+shown(have, name)+", at the vendor "+shown(want, name))
	}
	return strings.Join(parts, "; ")
}

func shown(row Row, name string) string {
	if v, ok := row[name]; ok {
		return show(v)
	}
	return "absent"
}
