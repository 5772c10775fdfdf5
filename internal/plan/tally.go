package plan

import (
	"maps"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// tally is what a bulk answer says as a whole, whichever items it is about.
type tally struct {
	inserts, updates listing
	unchanged        int
	// matched: updatesKeys lists all records that were found, of which modified
	// were changed.
	matched bool
	sound   bool // counts and lists agree: only then a count proves anything
}

// listing is what an answer says of the records inserted, or of those changed:
// how many, and in two lists which.
type listing struct {
	count   int
	entries int             // records in the list of keys
	byKeys  map[string]bool // their ids
	byIDs   map[string]bool // the ids of the other list
}

func listingOf(count int, keys []planhat.KeySet, ids []string) listing {
	l := listing{count: count, byKeys: make(map[string]bool, len(keys)), byIDs: make(map[string]bool, len(ids))}
	for _, set := range keys {
		if id := set[string(planhat.KeyID)]; id == "" {
			l.entries++
		} else {
			l.byKeys[id] = true
		}
	}
	l.entries += len(l.byKeys)
	for _, id := range ids {
		l.byIDs[id] = true
	}
	return l
}

// size is how many records the lists have.
func (l listing) size() int { return max(l.entries, len(l.byIDs)) }

// most is how many records there are at most, whichever of list and count is
// right.
func (l listing) most() int { return max(l.count, l.size()) }

// sound tells whether count and lists agree.
func (l listing) sound() bool {
	return l.count == l.size() && (l.entries == 0 || len(l.byIDs) == 0 || maps.Equal(l.byKeys, l.byIDs))
}

// hides tells whether there may be records that no list has.
func (l listing) hides() bool { return l.count > l.size() }

// vouches tells whether a record of the list of keys is what the list is for:
// the other list, if there is one, has it too, and the count is not smaller
// than the list. A count of zero stands for none.
func (l listing) vouches(id string) bool {
	if id != "" && len(l.byIDs) > 0 {
		return l.byIDs[id]
	}
	return l.count == 0 || l.entries <= l.count
}

// has tells whether a list has a record and the other does not deny it.
func (l listing) has(id string) bool { return (l.byKeys[id] || l.byIDs[id]) && l.vouches(id) }

// disputes tells whether a record is in a list that is not to be believed.
func (l listing) disputes(id string) bool { return (l.byKeys[id] || l.byIDs[id]) && !l.vouches(id) }

// tallyOf reads an answer to a call of n items.
func tallyOf(n int, answer planhat.BulkAnswer) tally {
	t := tally{
		inserts:   listingOf(answer.Created, answer.InsertsKeys, answer.UpsertedIDs),
		updates:   listingOf(answer.Updated, answer.UpdatesKeys, answer.Modified),
		unchanged: answer.Nonupdates,
	}
	refused := len(answer.CreatedErrors) + len(answer.UpdatedErrors) + len(answer.PermissionErrors) + len(answer.ValidationErrors)
	u := t.updates
	// An error may be told twice: where no count tells how many were changed, the
	// sum proves something only without errors.
	t.matched = t.unchanged > 0 && u.count == len(u.byIDs) && (u.count > 0 || refused == 0) && len(u.byKeys) == u.entries &&
		u.entries == u.count+t.unchanged && t.inserts.most()+u.entries+refused == n && contains(u.byKeys, u.byIDs)
	t.sound = t.inserts.sound() && (u.sound() || t.matched)
	return t
}

func contains(all, some map[string]bool) bool {
	for id := range some {
		if !all[id] {
			return false
		}
	}
	return true
}

// ofUpdate is what an entry of updatesKeys means for its record; false if the
// answer contradicts it.
func (t *tally) ofUpdate(id string) (Outcome, bool) {
	switch {
	case t.matched && !t.updates.byIDs[id]:
		return Unchanged, true
	case t.matched || t.updates.vouches(id) && !t.blurred():
		return Updated, true
	}
	return Again, false
}

// blurred tells whether the records of updatesKeys, which nothing else counts,
// may be those in which nothing differed.
func (t *tally) blurred() bool {
	u := t.updates
	return u.count+len(u.byIDs) == 0 && t.unchanged >= u.entries
}

// changed is how many records were changed, at most.
func (t *tally) changed() int {
	if t.matched {
		return t.updates.count
	}
	return t.updates.most()
}

// hides tells whether there may be written records that no list has.
func (t *tally) hides() bool { return t.inserts.hides() || t.updates.hides() }

// settle tells what the answer says of a record by its id alone.
func (t *tally) settle(id string) Verdict {
	created := t.inserts.has(id)
	listed := t.updates.byKeys[id] || t.updates.byIDs[id]
	outcome, credible := Again, true
	if listed {
		outcome, credible = t.ofUpdate(id)
	}
	switch {
	case created && !listed:
		return Verdict{Outcome: Created, RecordID: id}
	case listed && credible && !created && !t.inserts.disputes(id):
		return Verdict{Outcome: outcome, RecordID: id}
	case created || listed || t.inserts.disputes(id):
		return Verdict{Outcome: Again, Doubt: true}
	}
	return Verdict{Outcome: Again, Doubt: t.hides()}
}
