package pipedrivesim

import (
	"fmt"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// habit is something that users of a company do; it tells whether it found something to do.
type habit struct {
	weight int
	do     func(*tx) bool
}

var habits = []habit{
	{16, (*tx).moveStage},
	{12, (*tx).editDeal},
	{10, (*tx).setDealField},
	{6, (*tx).clearDealField},
	{8, (*tx).win},
	{5, (*tx).lose},
	{3, (*tx).reopen},
	{10, (*tx).editPerson},
	{10, (*tx).editOrganization},
	{6, (*tx).editNote},
	{6, (*tx).addNote},
	{5, (*tx).addDeal},
	{4, (*tx).addPerson},
	{3, (*tx).addOrganization},
	{4, (*tx).deleteSomething},
	{2, (*tx).restoreSomething},
	{3, (*tx).archive},
	{2, (*tx).unarchive},
	{2, (*tx).mergeSomething},
	{2, (*tx).bulkEdit},
	{1, (*tx).renamePipeline},
}

func (t *tx) live(n int) (made int) {
	for range n {
		t.by = t.s.users[0]
		if second := t.s.users[1]; second.active && t.s.rng.IntN(3) == 0 {
			t.by = second
		}
		if simkit.Pick(t.s.rng, habits, func(h habit) int { return h.weight }).do(t) {
			made++
		}
	}
	return made
}

// any picks a record that is not deleted, nor archived; nil where a few tries found none.
func (t *tx) any(o *object) *record {
	return t.like(o, func(d doc) bool { return !d.flag("is_archived") })
}

func (t *tx) like(o *object, fits func(doc) bool) *record {
	live := t.store(o).live
	for range 8 {
		if len(live) == 0 {
			return nil
		}
		if r := live[t.s.rng.IntN(len(live))]; fits(r.doc) {
			return r
		}
	}
	return nil
}

func (t *tx) edit(r *record, values map[string]any) bool {
	return r != nil && t.update(r, values) == nil
}

func (t *tx) anyNumber() int64 { return t.s.rng.Int64N(1_000_000) }

func (t *tx) openDeal(status string) *record {
	return t.like(deals, func(d doc) bool { return d.text("status") == status && !d.flag("is_archived") })
}

func (t *tx) moveStage() bool {
	stage := t.any(stages)
	return stage != nil && t.edit(t.openDeal("open"), map[string]any{"stage_id": stage.id})
}

func (t *tx) editDeal() bool {
	n := t.anyNumber()
	values := []map[string]any{{"value": n % 100_000}, {"title": fmt.Sprintf("Deal åäö %d", n)}, {"expected_close_date": "2026-12-31"}, {"expected_close_date": nil}, {"probability": n % 100}, {"org_id": t.maybe(organizations)}}
	return t.edit(t.any(deals), pick(t, values))
}

func (t *tx) setDealField() bool {
	n := t.anyNumber()
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n%700)).Format(dateLayout)
	values := []map[string]any{
		{FieldTerm: n % 60}, {FieldStart: day}, {FieldPeriod: map[string]any{"value": day, "until": "2029-11-30"}},
		{FieldFee: map[string]any{"value": n % 5000, "currency": "EUR"}}, {FieldPlan: 41 + n%2},
		{FieldKickoff: map[string]any{"value": "09:30:00", "timezone_id": int64(269), "timezone_name": "Europe/Stockholm"}},
		{FieldWindow: map[string]any{"value": "08:00:00", "until": "17:00:00", "timezone_id": int64(269), "timezone_name": "Europe/Stockholm"}},
	}
	return t.edit(t.any(deals), map[string]any{"custom_fields": pick(t, values)})
}

func (t *tx) clearDealField() bool {
	r := t.like(deals, func(d doc) bool { return len(d.custom()) > 0 && !d.flag("is_archived") })
	if r == nil {
		return false
	}
	for _, f := range t.store(deals).fields.fields {
		if r.doc.custom()[f.code] != nil {
			return t.edit(r, map[string]any{"custom_fields": map[string]any{f.code: nil}})
		}
	}
	return false
}

func (t *tx) win() bool { return t.edit(t.openDeal("open"), map[string]any{"status": "won"}) }

func (t *tx) lose() bool {
	return t.edit(t.openDeal("open"), map[string]any{"status": "lost", "lost_reason": pick(t, []string{"Price", "Timing", "Silence"})})
}

func (t *tx) reopen() bool {
	return t.edit(t.openDeal(pick(t, []string{"won", "lost"})), map[string]any{"status": "open"})
}

func (t *tx) editPerson() bool {
	n := t.anyNumber()
	mails, _ := contacts([]any{map[string]any{"value": fmt.Sprintf("new%d@fjordlab.example", n)}, map[string]any{"value": "home@fjordlab.example", "label": "home"}})
	values := []map[string]any{{"first_name": pick(t, firstNames)}, {"emails": mails}, {"emails": []any{}}, {"org_id": t.maybe(organizations)},
		{"custom_fields": map[string]any{FieldRole: fmt.Sprintf("Role %d", n)}}, {"custom_fields": map[string]any{FieldRole: nil}}, {"custom_fields": map[string]any{FieldManager: SecondUser}}}
	return t.edit(t.any(persons), pick(t, values))
}

func (t *tx) editOrganization() bool {
	n := t.anyNumber()
	where, _ := address(map[string]any{"value": fmt.Sprintf("Kungsgatan %d, Oslo", n%99), "locality": "Oslo"})
	values := []map[string]any{{"name": fmt.Sprintf("%s 🚀 %d", pick(t, companyWords), n)}, {"address": where}, {"address": nil}, {"employee_count": n % 500}, {"label_ids": []any{int64(5), 6 + n%3}},
		{"custom_fields": map[string]any{FieldProductsUsed: []any{int64(71), 72 + n%3}}}, {"custom_fields": map[string]any{FieldProductsUsed: nil}},
		{"custom_fields": map[string]any{FieldBilling: where}}, {"custom_fields": map[string]any{FieldSegment: 62 + n%2, FieldVAT: nil}}}
	return t.edit(t.any(organizations), pick(t, values))
}

func (t *tx) editNote() bool {
	return t.edit(t.any(notes), map[string]any{"content": fmt.Sprintf("<p>Corrected: <i>%d</i></p>", t.anyNumber())})
}

func (t *tx) deleteSomething() bool {
	r := t.any(pick(t, []*object{deals, deals, notes, notes, persons, organizations}))
	if r == nil || len(t.store(r.object).live) < 3 { // a company does not delete all it has
		return false
	}
	t.remove(r, 0, "")
	return true
}

func (t *tx) restoreSomething() bool {
	o := pick(t, []*object{deals, persons, organizations})
	all := t.store(o).sortedBy("id")
	for range min(64, len(all)) {
		if r := all[t.s.rng.IntN(len(all))]; r.deleted() {
			t.restore(r)
			return true
		}
	}
	return false
}

func (t *tx) archive() bool {
	return t.edit(t.openDeal(pick(t, []string{"won", "lost"})), map[string]any{"is_archived": true})
}

func (t *tx) unarchive() bool {
	return t.edit(t.like(deals, func(d doc) bool { return d.flag("is_archived") }), map[string]any{"is_archived": false})
}

func (t *tx) mergeSomething() bool {
	o := pick(t, []*object{organizations, persons, deals})
	loser, survivor := t.any(o), t.any(o)
	return loser != nil && survivor != nil && loser != survivor && len(t.store(o).live) > 3 && t.merge(loser, survivor) == nil
}

func (t *tx) bulkEdit() bool {
	t.bulk = true
	done := false
	for range 2 + t.s.rng.IntN(4) {
		done = t.edit(t.any(deals), map[string]any{"owner_id": pick(t, []int64{FirstUser, SecondUser})}) || done
	}
	t.bulk = false
	return done
}

func (t *tx) renamePipeline() bool {
	return t.edit(t.any(pipelines), map[string]any{"name": fmt.Sprintf("Enterprise %d", t.anyNumber())})
}
