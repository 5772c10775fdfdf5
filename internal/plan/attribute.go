package plan

import (
	"strings"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// Outcome is what a bulk answer proves about one item.
type Outcome int

// The outcomes.
const (
	// Again: nothing is proved of it; the item has to be sent again, by itself
	// or in a smaller call.
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
	// Doubt comes with Again where the answer contradicts itself: the item may
	// have been written after all. If it is sent again and nothing differs, that
	// may be its own doing. See Item.Doubt.
	Doubt bool
}

// Attribute gives every item of a bulk call its verdict.
//
// An entry of insertsKeys, updatesKeys or the error arrays belongs to the item
// whose matching key it repeats; other keys prove nothing, since a record may
// hold a key that another item sends. Items that no entry names are settled by
// counting, where counts and lists agree and leave one reading.
func Attribute(c Call, answer planhat.BulkAnswer) []Verdict {
	a := attribution{
		call: c, tally: tallyOf(len(c.Items), answer), index: make(map[string]int, len(c.Items)),
		verdicts: make([]Verdict, len(c.Items)), named: make([]bool, len(c.Items)),
	}
	for n, i := range c.Items {
		a.index[identityOf(i.Spec.Object, i.Target).value] = n
	}
	a.inserted(answer)
	a.updated(answer)
	a.errors(answer)
	a.rest(answer)
	return a.verdicts
}

type attribution struct {
	call     Call
	tally    tally
	index    map[string]int // matching key -> item
	verdicts []Verdict
	named    []bool // the items that entries name

	// How many of the items that entries name are what.
	created, changed, same, refused int
	contradicted                    bool
	loose                           []failure
}

// failure is an error that names no item.
type failure struct {
	verdict Verdict
	array   int // the array that it came in
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

// withIDs adds the records of a list of ids to one of keys, where items are
// matched by _id.
func (a *attribution) withIDs(keys []planhat.KeySet, ids []string) []planhat.KeySet {
	if a.call.Key != planhat.KeyID || len(ids) == 0 {
		return keys
	}
	out := append(make([]planhat.KeySet, 0, len(keys)+len(ids)), keys...)
	for _, id := range ids {
		out = append(out, planhat.KeySet{string(planhat.KeyID): id})
	}
	return out
}

func (a *attribution) inserted(answer planhat.BulkAnswer) {
	for _, keys := range a.withIDs(answer.InsertsKeys, answer.UpsertedIDs) {
		if n, ok := a.item(keys); ok {
			id := keys[string(planhat.KeyID)]
			a.claim(n, Verdict{Outcome: Created, RecordID: id}, a.tally.inserts.vouches(id), &a.created)
		}
	}
}

func (a *attribution) updated(answer planhat.BulkAnswer) {
	for _, keys := range a.withIDs(answer.UpdatesKeys, answer.Modified) {
		n, ok := a.item(keys)
		if !ok {
			continue
		}
		id := keys[string(planhat.KeyID)]
		outcome, credible := a.tally.ofUpdate(id)
		count := &a.changed
		if outcome == Unchanged {
			count = &a.same
		}
		a.claim(n, Verdict{Outcome: outcome, RecordID: id}, credible, count)
	}
}

// claim settles an item that an entry names, unless another says otherwise.
func (a *attribution) claim(n int, v Verdict, credible bool, count *int) {
	was := a.verdicts[n]
	switch {
	case a.named[n] && was.Outcome == v.Outcome && was.RecordID == v.RecordID: // twice in the list, or in both lists
	case a.named[n] || !credible:
		a.contradict(n)
	default:
		a.named[n], a.verdicts[n] = true, v
		*count++
	}
}

// contradict sends an item again that is said to be two things.
func (a *attribution) contradict(n int) {
	a.named[n], a.contradicted = true, true
	a.verdicts[n] = Verdict{Outcome: Again, Doubt: true}
}

// errors settles the items that error entries name, and keeps the errors that
// name none.
func (a *attribution) errors(answer planhat.BulkAnswer) {
	refused := Refused
	if a.call.Items[0].Op == Update {
		refused = Alone
	}
	for array, list := range [][]planhat.BulkError{
		answer.PermissionErrors, answer.UpdatedErrors, answer.CreatedErrors, answer.ValidationErrors,
	} {
		outcome := refused
		if array == 0 {
			outcome = Denied
		}
		for _, e := range list {
			a.failed(Verdict{Outcome: outcome, Message: e.Message}, e.Keys, array)
		}
	}
}

func (a *attribution) failed(v Verdict, keys planhat.KeySet, array int) {
	n, ok := a.item(keys)
	switch {
	case !ok || !a.echoes(keys, a.call.Items[n]):
		a.loose = append(a.loose, failure{v, array})
	case !a.named[n]:
		a.claim(n, v, true, &a.refused)
	case a.verdicts[n].Outcome != Refused && a.verdicts[n].Outcome != Alone && a.verdicts[n].Outcome != Denied:
		a.contradict(n)
	}
}

// echoes tells whether an error's keys are all such that the item has sent. If
// not, they may be those of another record which is in its way.
func (a *attribution) echoes(keys planhat.KeySet, i Item) bool {
	for name, value := range keys {
		if name == string(planhat.KeyID) {
			continue // the item's record has one, whether it was sent or not
		}
		if name == string(planhat.KeyExternalID) {
			name = i.Spec.KeyField(planhat.KeyExternalID)
		}
		sent, _ := i.Fields.Text(name)
		if name == i.Spec.KeyField(i.Target.Key) {
			sent = i.Target.Value
		}
		if sent != value && (name != string(planhat.KeyEmail) || !strings.EqualFold(sent, value)) {
			return false
		}
	}
	return true
}

// rest settles the items that no entry names.
func (a *attribution) rest(answer planhat.BulkAnswer) {
	var open []int
	for n, named := range a.named {
		if !named {
			open = append(open, n)
		}
	}
	t := &a.tally
	inserts, updates, unchanged := t.inserts.most()-a.created, t.changed()-a.changed, t.unchanged-a.same
	said := inserts + updates + unchanged + len(a.loose)
	counted := t.sound && !a.contradicted && said == len(open)
	switch {
	case len(open) == 0:
	case len(a.call.Items) == 1:
		a.lone(answer, inserts+updates+unchanged)
	case counted && unchanged == len(open):
		a.all(open, Verdict{Outcome: Unchanged})
	case counted && inserts == len(open):
		a.all(open, Verdict{Outcome: Created})
	case counted && updates == len(open):
		a.all(open, Verdict{Outcome: Updated})
	case counted && len(a.loose) == len(open) && alike(a.loose):
		a.all(open, a.loose[0].verdict)
	case inserts+updates <= 0: // none of them is written
	case a.call.Key == planhat.KeyID: // the lists would have named them
		a.all(open, Verdict{Outcome: Again, Doubt: t.hides()})
	default:
		a.all(open, Verdict{Outcome: Look})
	}
}

// alike tells whether errors came in one array and say the same: then it does
// not matter which of them is whose.
func alike(list []failure) bool {
	for _, f := range list {
		if f != list[0] {
			return false
		}
	}
	return len(list) > 0
}

// lone settles the only item of a call, which no entry names, but of which
// everything in the answer is.
func (a *attribution) lone(answer planhat.BulkAnswer, said int) {
	t := &a.tally
	switch {
	case said == 0 && len(a.loose) > 0:
		a.verdicts[0] = a.loose[0].verdict
	case said != 1 || len(a.loose) > 0:
		a.verdicts[0].Doubt = t.inserts.most()+t.updates.most() > 0
	case t.inserts.most() == 1:
		a.all([]int{0}, Verdict{Outcome: Created, RecordID: onlyID(answer.InsertsKeys, answer.UpsertedIDs)})
	case t.changed() == 1:
		a.all([]int{0}, Verdict{Outcome: Updated, RecordID: onlyID(answer.UpdatesKeys, answer.Modified)})
	default:
		a.all([]int{0}, Verdict{Outcome: Unchanged, RecordID: onlyID(answer.UpdatesKeys, nil)})
	}
}

// onlyID is the id of the one record in a list.
func onlyID(keys []planhat.KeySet, ids []string) string {
	switch {
	case len(keys) > 0:
		return keys[0][string(planhat.KeyID)]
	case len(ids) > 0:
		return ids[0]
	}
	return ""
}

func (a *attribution) all(open []int, v Verdict) {
	for _, n := range open {
		a.verdicts[n] = v
		if a.call.Key == planhat.KeyID && (v.Outcome == Created || v.Outcome == Updated || v.Outcome == Unchanged) {
			a.verdicts[n].RecordID = a.call.Items[n].Target.Value
		}
	}
}

// Settle decides an item that Attribute wants looked up: id is the _id of the
// record found under the item's target, "" if there is none.
func Settle(c Call, answer planhat.BulkAnswer, id string) Verdict {
	if id == "" {
		return Verdict{Outcome: Again}
	}
	t := tallyOf(len(c.Items), answer)
	return t.settle(id)
}
