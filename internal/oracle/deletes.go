package oracle

import "slices"

// checkDeletes: no record has more deletes on a topic than the vendor has taken it
// away from the object, by a delete or by another type.
func checkDeletes(e Evidence) []Mismatch {
	type of struct{ object, id string }
	taken := map[of]int{}
	for _, entry := range e.Journal {
		for _, object := range entry.objects() {
			if entry.Op == "delete" || entry.Also != "" { // what becomes a ticket, or was one: of which objects it still is, the tenant says
				taken[of{object, entry.ID}]++
			}
		}
		if entry.Was != "" && !slices.Contains(entry.objects(), entry.Was) {
			taken[of{entry.Was, entry.ID}]++
		}
	}
	var out []Mismatch
	for _, o := range e.Objects {
		for _, c := range o.Changes {
			if c.Tombstone || c.Err != nil || c.Op != "d" {
				continue
			}
			at := of{o.Object, c.Key}
			if taken[at]--; taken[at] < 0 {
				out = append(out, mismatchAt(c.Place, c.Key, "invented: a delete that the vendor never made"))
			}
		}
	}
	return out
}
