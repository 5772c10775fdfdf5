package planhatsim

import (
	"fmt"
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// habit is something that users of a tenant do; it tells whether it found something to do.
type habit struct {
	weight int
	do     func(*Tx) bool
}

// coreHabits are what most of life is.
var coreHabits = []habit{
	{25, (*Tx).editCompany},
	{20, (*Tx).editEnduser},
	{15, (*Tx).editConversation},
	{10, (*Tx).editLicense},
	{6, (*Tx).changeType},
	{6, (*Tx).toggleArchived},
	{5, (*Tx).editTogether},
	{11, (*Tx).addSomething},
	{10, (*Tx).deleteSomething},
}

func (s *Server) habits() []habit {
	if s.coreOnly {
		return coreHabits
	}
	return slices.Concat(coreHabits, otherHabits)
}

func (tx *Tx) live(n int) (made int) {
	habits := tx.s.habits()
	for range n {
		if simkit.Pick(tx.s.rng, habits, func(h habit) int { return h.weight }).do(tx) {
			made++
		}
	}
	return made
}

// any picks a record that is not guarded; nil where a few tries found none.
func (tx *Tx) any(m *model) *record {
	all := tx.s.store(m).all
	for range 8 {
		if len(all) == 0 {
			return nil
		}
		if r := all[tx.s.rng.IntN(len(all))]; !r.guarded && m.holds(tx.sw, r) {
			return r
		}
	}
	return nil
}

// edit updates a record with fields made by format and one random number.
func (tx *Tx) edit(m *model, r *record, format string) bool {
	if r == nil {
		return false
	}
	doc, err := parseObject(fmt.Appendf(nil, format, tx.s.rng.IntN(1_000_000)))
	if err != nil {
		return false
	}
	_, refusal := tx.update(m, r, doc)
	return refusal == nil
}

func (tx *Tx) editCompany() bool {
	formats := []string{`{"phase":"Phase %d"}`, `{"custom":{"Seats":%d}}`, `{"custom":{"🚀 Stage":"go %d"}}`, `{"csmScore":%d}`, `{"tags":["t%d","Nordics"]}`, `{"owner":null,"city":"City %d"}`}
	return tx.edit(companyModel, tx.any(companyModel), formats[tx.s.rng.IntN(len(formats))])
}

func (tx *Tx) editEnduser() bool {
	formats := []string{`{"position":"Role %d"}`, `{"lastName":"Name%d"}`, `{"custom":{"Badge":%d}}`, `{"phone":"+47 %d","featured":true}`}
	return tx.edit(enduserModel, tx.any(enduserModel), formats[tx.s.rng.IntN(len(formats))])
}

func (tx *Tx) editConversation() bool {
	formats := []string{`{"subject":"Subject %d"}`, `{"description":"<p>Said &amp; done: <b>%d</b></p>"}`, `{"starred":true,"custom":{"Mood":%d}}`}
	return tx.edit(conversationModel, tx.any(conversationModel), formats[tx.s.rng.IntN(len(formats))])
}

func (tx *Tx) editLicense() bool {
	formats := []string{`{"value":%d}`, `{"product":"Product %d"}`, `{"custom":{"Seats":%d}}`}
	return tx.edit(licenseModel, tx.any(licenseModel), formats[tx.s.rng.IntN(len(formats))])
}

func (tx *Tx) changeType() bool {
	r := tx.any(conversationModel)
	if r != nil && r.kind == "note" {
		return tx.edit(conversationModel, r, `{"type":"Meeting","subject":"Turned %d"}`)
	}
	return tx.edit(conversationModel, r, `{"type":"note","subject":"Turned %d"}`)
}

func (tx *Tx) toggleArchived() bool {
	r := tx.any(enduserModel)
	if r != nil && r.archived {
		return tx.edit(enduserModel, r, `{"archived":false,"position":"Back %d"}`)
	}
	return tx.edit(enduserModel, r, `{"archived":true,"position":"Gone %d"}`)
}

// editTogether gives several records one stamp.
func (tx *Tx) editTogether() bool {
	done := false
	for range 2 + tx.s.rng.IntN(4) {
		done = tx.edit(companyModel, tx.any(companyModel), `{"zip":"%d"}`) || done
	}
	return done
}

func (tx *Tx) addSomething() bool {
	company := tx.any(companyModel)
	if company == nil {
		return false
	}
	n := tx.s.rng.Int64()
	recipes := []struct {
		listing, fields string
	}{
		{"companies", fmt.Sprintf(`{"name":"New company %d","externalId":"acct-life-%d"}`, n, n)},
		{"endusers", fmt.Sprintf(`{"email":"life-%d@example.test","firstName":"Lif","lastName":"%d","companyId":%q}`, n, n, company.id)},
		{"conversations", fmt.Sprintf(`{"type":"note","subject":"Life %d","description":"<p>new</p>","companyId":%q}`, n, company.id)},
		{"licenses", fmt.Sprintf(`{"_currency":"EUR","value":%d,"fromDate":"2026-01-01","companyId":%q}`, n%100000, company.id)},
	}
	recipe := recipes[tx.s.rng.IntN(len(recipes))]
	_, err := tx.Create(recipe.listing, recipe.fields)
	return err == nil
}

func (tx *Tx) deleteSomething() bool {
	m := []*model{companyModel, enduserModel, enduserModel, conversationModel, conversationModel, licenseModel}[tx.s.rng.IntN(6)]
	r := tx.any(m)
	if r == nil || m == companyModel && tx.touchesGuarded(r) {
		return false
	}
	tx.remove(m, r)
	return true
}

// touchesGuarded tells whether records of commands under test would go with a company.
func (tx *Tx) touchesGuarded(company *record) bool {
	for _, child := range modelRows {
		if child.company == "" || tx.sw.CompanyDelete != "cascade" {
			continue
		}
		for _, r := range tx.s.store(child).ofCompany(company.id) {
			if r.guarded {
				return true
			}
		}
	}
	return false
}
