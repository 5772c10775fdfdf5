package plan

import (
	"slices"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Outcome is what a bulk answer proves about one item.
type Outcome int

// The outcomes.
const (
	// Again: not proved to be written; the item has to be sent again, by itself
	// or in a smaller call. It never stands for an item that the answer shows
	// as written, unless the answer contradicts itself.
	Again Outcome = iota
	// Alone: an update that was refused; only a call of its own tells one whose
	// record does not exist from one with a bad field.
	Alone
	// Look: written or not, the answer names records by _id only; look the
	// item's record up and ask Settle.
	Look
	Created
	Updated
	Unchanged
	Refused // by the vendor, Message says why
	Denied  // for lack of permission
)

var outcomeNames = map[Outcome]string{
	Again: "again", Alone: "alone", Look: "look", Created: "created", Updated: "updated",
	Unchanged: "unchanged", Refused: "refused", Denied: "denied",
}

func (o Outcome) String() string { return outcomeNames[o] }

// Verdict is what becomes of one item of a bulk call.
type Verdict struct {
	Outcome  Outcome
	RecordID string // "" where the answer does not say
	Message  string
}

// Attribute gives every item of a bulk call its verdict.
//
// An entry of insertsKeys, updatesKeys or the error arrays belongs to the item
// whose matching key it repeats; other keys prove nothing, since a record may
// hold a key that another item sends. Items that no entry names are settled by
// counting, where the counts leave one reading.
func Attribute(c Call, answer planhat.BulkAnswer) []Verdict {
	a := attribution{call: c, verdicts: make([]Verdict, len(c.Items)), claims: make([]int, len(c.Items))}
	a.index = make(map[string]int, len(c.Items))
	for n, i := range c.Items {
		a.index[identityOf(i.Spec.Object, i.Target).value] = n
	}
	inserts := a.entries(answer.InsertsKeys, answer.Created, Created)
	updates := a.entries(withModified(c, answer), answer.Updated, Updated)
	errors := a.errors(answer)
	a.contradictions()
	a.rest(answer, inserts, updates, errors)
	return a.verdicts
}

type attribution struct {
	call     Call
	index    map[string]int // matching key -> item
	verdicts []Verdict
	claims   []int // how many kinds of entries name the item
}

// withModified adds the ids of modified to updatesKeys where items are matched
// by _id: both lists name changed records.
func withModified(c Call, answer planhat.BulkAnswer) []planhat.KeySet {
	if c.Key != planhat.KeyID {
		return answer.UpdatesKeys
	}
	out := slices.Clone(answer.UpdatesKeys)
	for _, id := range answer.Modified {
		out = append(out, planhat.KeySet{string(planhat.KeyID): id})
	}
	return out
}

// item finds the item that an entry names by its matching key.
func (a *attribution) item(keys planhat.KeySet) (int, bool) {
	spec := a.call.Spec
	value, ok := keys[spec.KeyField(a.call.Key)]
	if !ok { // where the spellings differ, nobody documents which one answers have
		if value, ok = keys[string(a.call.Key)]; !ok {
			return 0, false
		}
	}
	n, ok := a.index[identityOf(spec.Object, Target{a.call.Key, value}).value]
	return n, ok
}

// entries settles the items that a list of written records names, and returns
// how many of the written records belong to items that it does not name.
func (a *attribution) entries(list []planhat.KeySet, count int, outcome Outcome) int {
	named := 0
	for _, keys := range list {
		n, ok := a.item(keys)
		if !ok || a.verdicts[n].Outcome == outcome {
			continue
		}
		a.claims[n]++
		a.verdicts[n] = Verdict{Outcome: outcome, RecordID: keys[string(planhat.KeyID)]}
		named++
	}
	return max(count-named, len(distinct(list))-named, 0)
}

// distinct drops entries for one record that are there twice.
func distinct(list []planhat.KeySet) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, keys := range list {
		out[keys[string(planhat.KeyID)]] = true
	}
	return out
}

// errors settles the items that error entries name, and returns the errors
// that name none.
func (a *attribution) errors(answer planhat.BulkAnswer) []Verdict {
	var loose []Verdict
	add := func(list []planhat.BulkError, outcome Outcome) {
		for _, e := range list {
			verdict := Verdict{Outcome: outcome, Message: e.Message}
			n, ok := a.item(e.Keys)
			switch {
			case !ok:
				loose = append(loose, verdict)
			case a.verdicts[n].Outcome == Again && a.claims[n] == 0:
				a.verdicts[n] = verdict
				a.claims[n]++
			case a.verdicts[n].Outcome == Created || a.verdicts[n].Outcome == Updated:
				a.claims[n]++
			}
		}
	}
	refused := Refused
	if a.call.Items[0].Op == Update {
		refused = Alone
	}
	add(answer.PermissionErrors, Denied)
	add(answer.UpdatedErrors, refused)
	add(answer.CreatedErrors, refused)
	add(answer.ValidationErrors, refused)
	return loose
}

// contradictions sends items again that are named as two things at once.
func (a *attribution) contradictions() {
	for n, claims := range a.claims {
		if claims > 1 {
			a.verdicts[n] = Verdict{Outcome: Again}
		}
	}
}

// rest settles the items that no entry names: inserts, updates and errors are
// those entries that name no item.
func (a *attribution) rest(answer planhat.BulkAnswer, inserts, updates int, errors []Verdict) {
	var open []int
	for n, v := range a.verdicts {
		if v.Outcome == Again && a.claims[n] == 0 {
			open = append(open, n)
		}
	}
	written := inserts + updates
	switch {
	case len(open) == 0:
	case written == 0 && len(errors) == 0 && answer.Nonupdates == len(open):
		a.all(open, Unchanged)
	case inserts == len(open) && updates == 0 && len(errors) == 0 && answer.Nonupdates == 0:
		a.all(open, Created)
		a.only(open, answer.InsertsKeys)
	case updates == len(open) && inserts == 0 && len(errors) == 0 && answer.Nonupdates == 0:
		a.all(open, Updated)
		a.only(open, answer.UpdatesKeys)
	case written == 0 && len(a.call.Items) == 1 && len(errors) > 0 && answer.Nonupdates == 0:
		a.verdicts[0] = errors[0]
	case written > 0:
		a.all(open, Look)
	}
}

func (a *attribution) all(open []int, outcome Outcome) {
	for _, n := range open {
		a.verdicts[n] = Verdict{Outcome: outcome}
		if a.call.Key == planhat.KeyID {
			a.verdicts[n].RecordID = a.call.Items[n].Target.Value
		}
	}
}

// only adds the record's id where a call of one item wrote one record.
func (a *attribution) only(open []int, list []planhat.KeySet) {
	if len(a.call.Items) == 1 && len(list) == 1 && len(open) == 1 {
		a.verdicts[0].RecordID = list[0][string(planhat.KeyID)]
	}
}

// Settle decides an item that Attribute wants looked up: id is the _id of the
// record found under the item's target, "" if there is none.
func Settle(answer planhat.BulkAnswer, id string) Verdict {
	if id == "" {
		return Verdict{Outcome: Again}
	}
	has := func(list []planhat.KeySet) bool {
		return slices.ContainsFunc(list, func(keys planhat.KeySet) bool { return keys[string(planhat.KeyID)] == id })
	}
	created := has(answer.InsertsKeys) || slices.Contains(answer.UpsertedIDs, id)
	updated := has(answer.UpdatesKeys) || slices.Contains(answer.Modified, id)
	switch {
	case created && !updated:
		return Verdict{Outcome: Created, RecordID: id}
	case updated && !created:
		return Verdict{Outcome: Updated, RecordID: id}
	}
	return Verdict{Outcome: Again}
}
