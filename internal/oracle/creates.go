package oracle

import (
	"maps"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// markField is the custom field in which a command under test carries its own
// name, so that the vendor's journal can tell whose record it is.
const markField = "custom.cmd"

// checkCreates: no command's record was made twice, and no two records share a
// key that the vendor promises to be unique.
func checkCreates(e Evidence) []Mismatch {
	byMark := map[string][]string{} // mark -> ids created with it and not deleted
	apiMade := map[string]bool{}    // ids created through the API
	seen, markOf := map[string]bool{}, map[string]string{}
	twice := map[string][]string{} // mark -> ids that were live together
	for _, entry := range e.Journal {
		if entry.Op == "delete" {
			mark := markOf[entry.ID]
			byMark[mark] = slices.DeleteFunc(byMark[mark], func(id string) bool { return id == entry.ID })
			continue
		}
		if seen[entry.ID] {
			continue
		}
		seen[entry.ID] = true
		if entry.Via != "api" {
			continue
		}
		apiMade[entry.ID] = true
		if mark, ok := entry.value(markField); ok {
			if text, isText := mark.(string); isText {
				markOf[entry.ID] = text
				byMark[text] = append(byMark[text], entry.ID)
				if len(byMark[text]) > 1 {
					twice[text] = slices.Clone(byMark[text])
				}
			}
		}
	}
	return append(madeTwice(e, twice), sharedKeys(e, apiMade)...)
}

func madeTwice(e Evidence, twice map[string][]string) []Mismatch {
	commands := map[string]Command{}
	for _, cmd := range e.Commands {
		if mark, ok := flatten(cmd.Command.Fields)[markField].(string); ok {
			if _, taken := commands[mark]; !taken {
				commands[mark] = cmd
			}
		}
	}
	var out []Mismatch
	for _, mark := range slices.Sorted(maps.Keys(twice)) {
		ids := twice[mark]
		place, id := nowhere("journal"), mark
		if cmd, ok := commands[mark]; ok {
			place, id = cmd.Place, cmd.Command.ID
		}
		out = append(out, mismatchAt(place, id, "created %d times: the vendor made records %v for the one command marked %s", len(ids), ids, mark))
	}
	return out
}

func sharedKeys(e Evidence, apiMade map[string]bool) []Mismatch {
	var out []Mismatch
	for _, o := range e.Objects {
		if !slices.Contains(o.Spec.Keys, planhat.KeyExternalID) {
			continue
		}
		owner := map[[2]string]string{}
		for _, id := range slices.Sorted(maps.Keys(o.State)) {
			row := o.State[id]
			external, _ := row[o.Spec.KeyField(planhat.KeyExternalID)].(string)
			company := ""
			if o.Spec.Object != planhat.Company {
				company, _ = row[o.Spec.CompanyField].(string)
			}
			if external == "" {
				continue
			}
			key := [2]string{company, external}
			if first, taken := owner[key]; taken && (apiMade[id] || apiMade[first]) {
				out = append(out, mismatchAt(nowhere(o.Topic), id, "records %s and %s share externalId %s: one of them was created twice", first, id, external))
			}
			owner[key] = id
		}
	}
	return out
}
