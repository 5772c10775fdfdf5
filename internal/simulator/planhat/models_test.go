package planhatsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// example is a record of a model: all that a create needs, and one more field to edit.
type example struct {
	fields string // a JSON object; COMPANY stands for a company's id
	edit   string // a name of it that an update changes
}

var examples = map[*model]example{
	userModel:         {`{"email":"u@v.example","nickName":"U","firstName":"U","lastName":"V"}`, "nickName"},
	companyModel:      {`{"name":"Fjord"}`, "name"},
	enduserModel:      {`{"email":"e@f.example","companyId":"COMPANY"}`, "position"},
	taskModel:         {`{"mainType":"task","companyId":"COMPANY","action":"Call"}`, "action"},
	issueModel:        {`{"title":"Broken","companyIds":["COMPANY"]}`, "title"},
	invoiceModel:      {`{"currency":"EUR","cId":"COMPANY","invoiceDate":20485}`, "product"},
	conversationModel: {`{"companyId":"COMPANY","type":"Meeting"}`, "subject"},
	ticketModel:       {`{"sourceId":"s","email":"e@f.example","companyId":"COMPANY"}`, "status"},
	churnModel:        {`{"companyId":"COMPANY","value":100}`, "description"},
	assetModel:        {`{"name":"Gateway","companyId":"COMPANY"}`, "status"},
	campaignModel:     {`{"name":"Push","companyId":"COMPANY"}`, "campaignPurpose"},
	npsModel:          {`{"email":"e@f.example","score":9,"cId":"COMPANY"}`, "comment"},
	opportunityModel:  {`{"companyId":"COMPANY","title":"More"}`, "title"},
	objectiveModel:    {`{"name":"Goal","companyId":"COMPANY"}`, "name"},
	projectModel:      {`{"name":"Wave","companyId":"COMPANY"}`, "currency"},
	saleModel:         {`{"_currency":"EUR","companyId":"COMPANY","salesDate":"2026-03-01","value":5}`, "product"},
	timeEntryModel:    {`{"date":"2026-03-01","hours":2,"companyId":"COMPANY"}`, "description"},
	timesheetModel:    {`{"dateFrom":20514,"dateTo":20520}`, "assignedModel"},
	licenseModel:      {`{"_currency":"EUR","companyId":"COMPANY","fromDate":"2026-01-01","mrr":1}`, "product"},
	customFieldModel:  {`{"name":"Tier","type":"text","parent":"Company","isHidden":false}`, "formula"},
}

// eachModel runs a test for every row of the table, with a company in an otherwise empty tenant.
func eachModel(t *testing.T, test func(s *sim, m *model, fields document)) {
	t.Helper()
	for _, m := range modelRows {
		t.Run(m.listing, func(t *testing.T) {
			s := start(t, Options{Companies: -1, Tokens: map[string]Token{DefaultToken: {}, "denied": {Deny: map[string]bool{m.object: true}}}})
			s.t = t
			company := s.company(`{"name":"Home","domains":["home.example"]}`)
			fields, err := parseObject([]byte(strings.ReplaceAll(examples[m].fields, "COMPANY", company)))
			if err != nil {
				t.Fatalf("example of %s: %v", m.listing, err)
			}
			test(s, m, fields)
		})
	}
}

func text(doc document) string { return string(doc.appendTo(nil, nil)) }

// made creates a record the way that the model has for it, and gives its id.
func (s *sim) made(m *model, fields document) string {
	s.t.Helper()
	if m.can('C') {
		return s.ok("POST", m.path, text(fields))["_id"].(string)
	}
	status, a := s.bulk(m.path, "["+text(fields)+"]")
	if status != 200 || len(a.UpsertedIDs) != 1 {
		s.t.Fatalf("upsert in %s: %d %+v", m.path, status, a)
	}
	return a.UpsertedIDs[0]
}

func TestEveryModelRequiresWhatItsPageSays(t *testing.T) {
	eachModel(t, func(s *sim, m *model, fields document) {
		t := s.t
		if !m.can('C') {
			return
		}
		groups := m.required
		if m.requires != nil {
			groups = slices.Concat(groups, m.requires(DefaultSwitches()))
		}
		for _, group := range groups {
			without := fields.clone()
			for _, name := range group {
				without.remove(name)
			}
			r := s.do("POST", m.path, text(without))
			if want := strings.Join(group, " or ") + " is required"; r.status != 400 || !strings.Contains(r.body, want) {
				t.Errorf("create without %v: %d %s, want 400 %q", group, r.status, r.body, want)
			}
		}
		s.made(m, fields)
	})
}

func TestEveryModelAnswersItsVerbs(t *testing.T) {
	eachModel(t, func(s *sim, m *model, fields document) {
		t := s.t
		id := s.made(m, fields)
		got := s.ok("GET", m.path+"/"+id, "")
		if got["_id"] != id {
			t.Errorf("GET gives %v", got)
		}
		if rows := s.list(m.path + "?limit=1&sort=-_id"); len(rows) != 1 || rows[0]["_id"] != id {
			t.Errorf("the listing gives %v", rows)
		}
		calls := map[byte][3]string{
			'C': {"POST", m.path, text(fields)}, 'U': {"PUT", m.path + "/" + id, "{}"}, 'B': {"PUT", m.path, "[]"},
			'L': {"GET", m.path, ""}, 'G': {"GET", m.path + "/" + id, ""}, 'D': {"DELETE", m.path + "/" + id, ""},
			'X': {"POST", m.path + "/duplicate", `{"ids":[]}`},
		}
		for verb, call := range calls {
			if denied := s.as("denied", call[0], call[1], call[2]).status; m.can(verb) && verb != 'B' && denied != 403 {
				t.Errorf("%s %s without permission: %d, want 403", call[0], call[1], denied)
			}
			if got := s.do(call[0], m.path+"/"+id+"/more", call[2]).status; got != 404 {
				t.Errorf("%s %s/more: %d, want 404", call[0], call[1], got)
			}
			if got := s.do(call[0], call[1], call[2]).status; !m.can(verb) && got != 404 {
				t.Errorf("%s %s: %d, want 404: it is no verb of the model", call[0], call[1], got)
			}
		}
		if got := s.as("denied", "PUT", m.path, "["+text(fields)+"]").status; m.can('B') && got != 403 {
			t.Errorf("bulk without permission: %d, want 403", got)
		}
		if got := s.do("PATCH", m.path+"/"+id, "{}").status; got != 404 {
			t.Errorf("PATCH: %d, want 404", got)
		}
	})
}

func TestEveryModelPages(t *testing.T) {
	if testing.Short() {
		t.Skip("one request at a time: nothing races")
	}
	eachModel(t, func(s *sim, m *model, _ document) {
		t := s.t
		s.Mutate(func(tx *Tx) {
			held := len(tx.IDs(m.listing))
			for i := range m.pageMax + 1 - held {
				if err := tx.Put(m.listing, fmt.Sprintf(`{"_id":"%024x","type":%q}`, i+1, m.kind)); err != nil {
					t.Fatal(err)
				}
			}
		})
		for query, want := range map[string]int{
			"": m.pageDefault, fmt.Sprintf("limit=%d", m.pageMax+1): m.pageMax, fmt.Sprintf("limit=%d&offset=%d", m.pageMax, m.pageMax): 1, fmt.Sprintf("offset=%d", m.pageMax+1): 0,
		} {
			var rows []json.RawMessage
			simtest.Decode(t, s.do("GET", m.path+"?"+query, "").body, &rows)
			if len(rows) != want {
				t.Errorf("%s?%s: %d rows, want %d", m.path, query, len(rows), want)
			}
		}
	})
}

func TestEveryModelUpdates(t *testing.T) {
	eachModel(t, func(s *sim, m *model, fields document) {
		t := s.t
		if !m.can('U') {
			return
		}
		id := s.made(m, fields)
		before := s.ok("GET", m.path+"/"+id, "")
		s.now.Add(time.Minute)
		edit := examples[m].edit
		got := s.ok("PUT", m.path+"/"+id, fmt.Sprintf(`{%q:"edited","custom":{"Unheard of":[1.0]},"nonsense":1}`, edit))
		if got[edit] != "edited" || got["nonsense"] != nil {
			t.Errorf("%v", got)
		}
		custom, _ := got["custom"].(map[string]any)
		if (custom["Unheard of"] == nil) != m.noCustom {
			t.Errorf("an unknown custom field is stored without a word: %v", got["custom"])
		}
		for _, name := range m.updateStamps {
			if m.variant == nil && got[name] != "2026-03-05T12:01:00.123Z" {
				t.Errorf("%s is %v", name, got[name])
			}
		}
		for _, name := range slices.Concat(m.createStamps, []string{"_id"}) {
			if got[name] != before[name] {
				t.Errorf("%s went from %v to %v", name, before[name], got[name])
			}
		}
	})
}

func TestEveryModelUpsertsByEachKey(t *testing.T) {
	eachModel(t, func(s *sim, m *model, fields document) {
		t := s.t
		if !m.can('B') {
			return
		}
		for i, key := range append(slices.Clone(m.keys), "_id") {
			if m.variant != nil && !m.variant(DefaultSwitches())[key] {
				continue
			}
			item := fields.clone()
			for _, other := range m.keys {
				if other == "sourceId" && m == ticketModel || slices.ContainsFunc(m.required, func(group []string) bool { return slices.Contains(group, other) }) {
					continue // a create needs it
				}
				if other != key {
					item.remove(other)
				}
			}
			item.setText(key, fmt.Sprintf("key-%d@x.example", i))
			if key == "_id" {
				item.setText(key, fmt.Sprintf("%024x", 0xabc))
			}
			edited := item.clone()
			edited.setText(examples[m].edit, "edited")
			for step, want := range []bulkAnswer{{Created: 1}, {Nonupdates: 1}, {Updated: 1}} {
				sent := item
				if want.Updated == 1 {
					sent = edited
				}
				status, got := s.bulk(m.path, "["+text(sent)+"]")
				if status != 200 || got.Created != want.Created || got.Updated != want.Updated || got.Nonupdates != want.Nonupdates {
					t.Fatalf("by %s, step %d: %d %+v, want %+v", key, step, status, got, want)
				}
			}
		}
		for _, bad := range []string{`{"_id":"no id"}`, "7"} {
			if status, got := s.bulk(m.path, "["+bad+"]"); status != 400 || len(got.CreatedErrors)+len(got.UpdatedErrors) != 1 {
				t.Errorf("%s: %d %+v", bad, status, got)
			}
		}
	})
}

func TestEveryModelDeletes(t *testing.T) {
	eachModel(t, func(s *sim, m *model, fields document) {
		t := s.t
		id := s.made(m, fields)
		got := s.ok("DELETE", m.path+"/"+id, "")
		if (got["_id"] == id) != (m.deleteAnswer == "document") || got["_id"] == nil && fmt.Sprint(got["deletedCount"]) != "1" {
			t.Errorf("DELETE answers %v", got)
		}
		if r := s.do("GET", m.path+"/"+id, ""); r.status != 404 {
			t.Errorf("GET of a deleted record: %d", r.status)
		}
		if r := s.do("DELETE", m.path+"/"+id, ""); r.status != 200 || !strings.Contains(r.body, `"deletedCount":0`) {
			t.Errorf("DELETE again: %d %s", r.status, r.body)
		}
	})
}

func TestEveryModelIsInStateAndJournal(t *testing.T) {
	s := start(t, Options{Companies: 40, JournalRows: true})
	s.Live(3000)
	seen := map[string]set{}
	entries, _ := s.Journal(0)
	for _, e := range entries {
		for _, object := range []string{e.Object, e.Also} {
			if seen[object] == nil {
				seen[object] = set{}
			}
			seen[object][e.Via+" "+e.Op] = true
		}
	}
	for _, m := range modelRows {
		for _, want := range []string{"seed create", "life create", "life update", "life delete"} {
			if !seen[m.object][want] {
				t.Errorf("%s: no %s in %v", m.object, want, slices.Sorted(maps.Keys(seen[m.object])))
			}
		}
		archived := ""
		if m.archivedField != "" {
			archived = "&" + m.archivedField + "=true"
		}
		listed := s.do("GET", fmt.Sprintf("%s?limit=%d&sort=_id%s", m.path, m.pageMax, archived), "").body
		if got := s.do("GET", "/_sim/state/"+m.listing, "").body; got != listed || len(got) < 100 {
			t.Errorf("state of %s differs from its listing:\n%.300s\n%.300s", m.listing, got, listed)
		}
	}
}
