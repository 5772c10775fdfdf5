package pipedrivesim

import (
	"cmp"
	"fmt"
	"time"
)

// Custom fields that every company has, so that tests may name them.
const (
	FieldTerm         = "c1f0a7d94b2e6358a0b9d4e7f61c28350a9be714" // deal: double
	FieldStart        = "3b8e51f2c09d47a6e1d83f507c2ba964d15e0f38" // deal: date
	FieldPeriod       = "8d27c4e0b5f1396a7ce2480d9fb3615a04e7d92c" // deal: daterange
	FieldFee          = "f60b93d1e47a25c8093bde51a7c4f2860d1e5b97" // deal: monetary
	FieldPlan         = "05e9d7b2c8a14f36b0d2e5f7918c34a6de07b1f9" // deal: enum 41, 42
	FieldKickoff      = "71d0be29c64f85a3e19b07d2f8356c4ea01b9d57" // deal: time
	FieldWindow       = "2c9f4ab17e08d365b4c1f92d70e8a356d14bc09f" // deal: timerange
	FieldSegment      = "a94c2f7e10b6d385c7e2f49b0d81356ae0c7d42b" // organization: enum 62, 63
	FieldProductsUsed = "6e1d84f09ab27c53de4f1860b9a2c7d53f08e4b6" // organization: set 71 to 74
	FieldVAT          = "d3b70e5c92fa4816b7c0e9d4a5f81236c4be07d9" // organization: varchar
	FieldBilling      = "279ce4b1f05d83a6e7c1d20b948fa635de1708cb" // organization: address
	FieldRole         = "b25f8d0c7ea13946d0bc5e2f8a71943c6de0f158" // person: varchar
	FieldManager      = "90ab3e5d17c2f46830b9de41f75c2a68e0d31b74" // person: user
)

// Pipelines and stages that every company has; the last stage of each is where deals are won.
const (
	PipelineNew        int64 = 1
	PipelineEnterprise int64 = 3
	StageQualified     int64 = 14 // of Enterprise
	StageContract      int64 = 17 // of Enterprise
)

var seedFields = map[*object][]field{
	deals: {
		{code: FieldTerm, name: "Term months", kind: "double"},
		{code: FieldStart, name: "Subscription start", kind: "date"},
		{code: FieldPeriod, name: "Contract period", kind: "daterange"},
		{code: FieldFee, name: "Onboarding fee", kind: "monetary"},
		{code: FieldPlan, name: "Plan", kind: "enum", options: []option{{41, "Enterprise"}, {42, "Starter"}}},
		{code: FieldKickoff, name: "Kick-off", kind: "time"},
		{code: FieldWindow, name: "Support window", kind: "timerange"},
	},
	organizations: {
		{code: FieldSegment, name: "Segment", kind: "enum", options: []option{{62, "Small"}, {63, "Mid-market"}}},
		{code: FieldProductsUsed, name: "Products used", kind: "set", options: []option{{71, "Core"}, {72, "Reports"}, {73, "Mobile"}, {74, "Insights"}}},
		{code: FieldVAT, name: "VAT", kind: "varchar"},
		{code: FieldBilling, name: "Billing address", kind: "address"},
	},
	persons: {
		{code: FieldRole, name: "Role", kind: "varchar"},
		{code: FieldManager, name: "Manager", kind: "user"},
	},
}

// first ids of each object, as in an old company.
var firstIDs = map[*object]int64{pipelines: 0, stages: 0, organizations: 700, persons: 1880, deals: 4400, notes: 20900, products: 80}

func (s *Server) seed(o Options) {
	s.users = []*user{
		{id: FirstUser, name: "Sales User", email: "sales@nordlicht.example", admin: true, active: true},
		{id: SecondUser, name: "Second User", email: "second@nordlicht.example", active: true},
	}
	for _, obj := range objects {
		s.stores[obj] = newStore(obj, firstIDs[obj])
		for i, f := range seedFields[obj] {
			f.added, f.id = "2025-02-01T09:00:00Z", 12600+int64(i)
			s.stores[obj].fields.add(&f)
		}
	}
	t := s.begin("seed", s.users[0], 0)
	t.silent = true
	now := t.at.Truncate(time.Second)
	s.seedPipelines(t)
	count := func(n, usual int) int { return max(0, cmp.Or(n, usual)) }
	plan := []struct {
		n    int
		make func(*tx) bool
	}{
		{count(o.Organizations, 10), (*tx).addOrganization},
		{count(o.Persons, 20), (*tx).addPerson},
		{count(o.Deals, 30), (*tx).addDeal},
		{count(o.Notes, 20), (*tx).addNote},
	}
	total, done := 1, 0
	for _, p := range plan {
		total += p.n
	}
	for _, p := range plan {
		for range p.n {
			done++
			t.at = now.Add(-300 * 24 * time.Hour * time.Duration(total-done) / time.Duration(total)).Truncate(time.Second)
			p.make(t)
		}
	}
	// A part of the deals has been closed since.
	for i, r := range s.stores[deals].sortedBy("id") {
		t.at = now.Add(-time.Duration(total-i) * time.Minute)
		switch i % 5 {
		case 0:
			_ = t.update(r, map[string]any{"status": "won"}) // as life does; a seeded deal can be won
		case 1:
			_ = t.update(r, map[string]any{"status": "lost", "lost_reason": "Price"})
		}
		if i%10 == 0 {
			_, _ = t.attach(r, map[string]any{"product_id": int64(firstProduct), "quantity": int64(1), "item_price": int64(24000), "billing_frequency": "annually", "billing_frequency_cycles": int64(2), "billing_start_date": "2026-12-01"})
		}
	}
}

func (s *Server) seedPipelines(t *tx) {
	t.at = time.Date(2025, 1, 10, 9, 0, 0, 0, time.UTC)
	put := func(o *object, id int64, fields map[string]any) {
		d := blank(o)
		apply(d, fields)
		d["id"], d["add_time"], d["update_time"] = id, t.stamp(), t.stamp()
		if o == stages {
			d["update_time"] = nil
		}
		s.stores[o].put(d)
		t.log(change{object: o, id: id}, "create")
	}
	put(pipelines, PipelineNew, map[string]any{"name": "New business", "order_nr": int64(1)})
	put(pipelines, PipelineEnterprise, map[string]any{"name": "Enterprise", "order_nr": int64(2), "is_deal_probability_enabled": true})
	for _, p := range []struct{ pipeline, first int64 }{{PipelineNew, 1}, {PipelineEnterprise, StageQualified}} {
		for i, name := range []string{"Qualified", "Demo", "Proposal", "Contract"} {
			put(stages, p.first+int64(i), map[string]any{"name": name, "order_nr": int64(i + 1), "pipeline_id": p.pipeline, "deal_probability": int64(20 * (i + 1))})
		}
	}
}

var (
	companyWords = []string{"Fjordlab", "Kestrel", "Nordwind", "Alder", "Copper", "Lumen", "Tidewater", "Quarry", "Saffron", "Bluebell"}
	firstNames   = []string{"Ada", "Bo", "Chloé", "Dmitri", "Eira", "Farid", "Gül", "Håkon", "Ines", "Jun"}
	lastNames    = []string{"Persson", "Lind", "O'Neil", "Köhler", "Sørensen", "García", "Nowak", "Tanaka", "Okafor", "Silva"}
)

func pick[T any](t *tx, list []T) T { return list[t.s.rng.IntN(len(list))] }

// maybe gives the id of a living record, or now and then nothing.
func (t *tx) maybe(o *object) any {
	if r := t.any(o); r != nil && t.s.rng.IntN(8) > 0 {
		return r.id
	}
	return nil
}

func (t *tx) add(o *object, values map[string]any) bool {
	_, p := t.create(o, values)
	return p == nil
}

func (t *tx) addOrganization() bool {
	n := t.s.rng.IntN(1_000_000)
	street := fmt.Sprintf("Storgatan %d", 1+n%90)
	where, _ := address(map[string]any{"value": street + ", Göteborg, Sweden", "route": "Storgatan", "locality": "Göteborg", "country": "Sweden"})
	return t.add(organizations, map[string]any{
		"name": fmt.Sprintf("%s AB %d", pick(t, companyWords), n), "address": where, "label_ids": []any{int64(5)}, "website": "https://fjordlab.example",
		"custom_fields": map[string]any{FieldVAT: fmt.Sprintf("SE%012d", n), FieldSegment: int64(62 + n%2)},
	})
}

func (t *tx) addPerson() bool {
	n := t.s.rng.IntN(1_000_000)
	first, last := pick(t, firstNames), pick(t, lastNames)
	mails, _ := contacts([]any{map[string]any{"value": fmt.Sprintf("p%d@fjordlab.example", n)}})
	if n%10 == 0 {
		mails, _ = contacts([]any{map[string]any{"value": ""}})
	}
	return t.add(persons, map[string]any{"first_name": first, "last_name": last, "emails": mails, "org_id": t.maybe(organizations)})
}

func (t *tx) addDeal() bool {
	n := t.s.rng.IntN(1_000_000)
	values := map[string]any{
		"title": fmt.Sprintf("%s - Platform %d", pick(t, companyWords), n), "value": plainNumber(float64(n%90000) + float64(n%4)/4), "org_id": t.maybe(organizations), "person_id": t.maybe(persons),
		"pipeline_id": []int64{PipelineNew, PipelineEnterprise}[n%2],
	}
	if n%3 == 0 {
		values["custom_fields"] = map[string]any{FieldTerm: int64(12 + n%24), FieldPlan: int64(41 + n%2)}
	}
	return t.add(deals, values)
}

func (t *tx) addNote() bool {
	on := map[string]any{"content": fmt.Sprintf("<p>Called, <b>agreed</b> &amp; noted: %d</p>", t.s.rng.IntN(1_000_000))}
	if deal := t.any(deals); deal != nil {
		on["deal_id"] = deal.id
	} else if org := t.any(organizations); org != nil {
		on["org_id"] = org.id
	} else {
		return false
	}
	return t.add(notes, on)
}
