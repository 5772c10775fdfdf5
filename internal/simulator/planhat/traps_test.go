package planhatsim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit/simtest"
)

// journalled gives what the journal says of writes after an entry: via, op, object.
func (s *sim) journalled(after int64) []string {
	var out []string
	entries, _ := s.Journal(after)
	for _, e := range entries {
		out = append(out, e.Via+" "+e.Op+" "+e.Object)
	}
	return out
}

func TestTaskDoneArchivesAndTells(t *testing.T) {
	s := start(t, Options{Companies: 1, CoreOnly: true})
	company, user := s.first("companies"), s.first("users")
	task := s.ok("POST", "/tasks", `{"mainType":"task","action":"Call","companyId":"`+company+`","ownerId":"`+user+`","description":"<p>Hi &amp; bye</p>"}`)
	if task["ownerName"] != "Kari" || task["snippet"] != "Hi & bye" || task["isArchived"] != false || task["companyName"] == nil {
		t.Errorf("created: %v", task)
	}
	path := "/tasks/" + task["_id"].(string)
	var other string
	s.Mutate(func(tx *Tx) { other = tx.IDs("users")[1] })
	if got := s.ok("PUT", path, `{"ownerId":"`+other+`"}`); got["ownerName"] != "Kari" {
		t.Errorf("ownerName is not refreshed on reassignment: %v", got["ownerName"])
	}
	if r := s.do("PUT", path, `{"status":"done"}`); r.status != 400 || r.body != "Failed to execute task status update" {
		t.Errorf("lower case done: %d %q", r.status, r.body)
	}
	_, before := s.Journal(0)
	got := s.ok("PUT", path, `{"status":"Done"}`)
	if got["isArchived"] != true || got["dateDone"] != "2026-03-05T12:00:00.123Z" || got["doneBy"] != other {
		t.Errorf("done: %v", got)
	}
	if want := []string{"api update task", "vendor create note"}; !slices.Equal(s.journalled(before), want) {
		t.Errorf("journal %v, want %v", s.journalled(before), want)
	}
	note := s.list("/conversations?sort=-_id&limit=1")[0]
	if note["subject"] != "Call" || note["companyId"] != company || note["snippet"] != "Hi & bye" {
		t.Errorf("the conversation: %v", note)
	}
	s.ok("PUT", path, `{"status":"Done","action":"Called"}`)
	if got := s.journalled(before); len(got) != 3 {
		t.Errorf("a task that is done is done once: %v", got)
	}
	if len(s.list("/tasks")) != 0 || len(s.list("/tasks?isArchived=true")) != 1 || len(s.list("/tasks?archived=true")) != 0 {
		t.Error("tasks that are done are listed with isArchived=true only")
	}
}

func TestTicketIsAConversation(t *testing.T) {
	s := start(t, Options{Companies: -1})
	company := s.company(`{"name":"Home","domains":["home.example"]}`)
	_, before := s.Journal(0)
	status, a := s.bulk("/tickets", `{"sourceId":"desk-1","email":"kari@home.example","domains":["HOME.example"],"title":"Broken","description":"<b>All</b> of it","type":"bug","severity":"high","tags":["sso"],"status":"open","history":[{"status":"open","time":"2026-03-04T07:00:00.000Z"}]}`)
	if status != 200 || a.Created != 1 || a.InsertsKeys[0] != (keyFields{ID: a.UpsertedIDs[0], SourceID: "desk-1"}) {
		t.Fatalf("a bare object: %d %+v", status, a)
	}
	if want := []string{"vendor create enduser", "api upsert conversation"}; !slices.Equal(s.journalled(before), want) {
		t.Errorf("journal %v, want %v", s.journalled(before), want)
	}
	id := a.UpsertedIDs[0]
	row := s.list("/tickets")[0]
	for name, want := range map[string]string{
		"_id": id, "externalId": "desk-1", "type": "ticket", "subType": "ticket", "subject": "Broken", "snippet": "All of it", "email": "kari@home.example",
		"status": "open", "companyId": company, "companyName": "Home", "updateDate": "2026-03-05T12:00:00.123Z", "createDate": "2026-03-05T12:00:00.123Z",
	} {
		if row[name] != want {
			t.Errorf("%s is %v, want %s", name, row[name], want)
		}
	}
	if fmt.Sprint(row["days"]) != "20517" || row["isOpen"] != true || row["updatedAt"] != nil || row["severity"] != nil || len(row["endusers"].([]any)) != 1 {
		t.Errorf("row %v", row)
	}
	if got := s.list("/conversations")[0]; got["_id"] != id || got["companyId"] != company || got["hasMore"] != false {
		t.Errorf("as a conversation: %v", got)
	}
	s.now.Add(time.Minute)
	status, a = s.bulk("/tickets", `[{"sourceId":"desk-1","status":"closed","email":"kari@home.example"},{"sourceId":"desk-1","status":"lost"},{"sourceId":"desk-2"}]`)
	if status != 200 || a.Updated != 1 || a.Created+a.Nonupdates+len(a.UpdatedErrors)+len(a.CreatedErrors) != 0 {
		t.Errorf("items without an e-mail are dropped without a word: %d %+v", status, a)
	}
	for _, ref := range []string{id, "srcid-desk-1", "extid-desk-1"} {
		if got := s.ok("GET", "/tickets/"+ref, ""); got["status"] != "closed" || got["isOpen"] != false || got["updateDate"] != "2026-03-05T12:01:00.123Z" {
			t.Errorf("by %s: %v", ref, got)
		}
	}
	call := s.ok("POST", "/conversations", `{"type":"call","companyId":"`+company+`"}`)["_id"].(string)
	if got := s.do("GET", "/tickets/"+call, "").status; got != 404 {
		t.Errorf("a call is no ticket: %d", got)
	}
	if status, _ := s.bulk("/tickets", `[{"_id":"`+call+`","email":"a@b.example","status":"x"}]`); status != 400 {
		t.Errorf("a call is not upserted as a ticket: %d", status)
	}
	byHand := s.ok("POST", "/conversations", `{"type":"ticket","companyId":"`+company+`","subject":"By hand"}`)["_id"].(string)
	if got := s.ok("GET", "/tickets/"+byHand, ""); got["status"] != "open" || got["updateDate"] == nil || got["days"] == nil {
		t.Errorf("a ticket made as a conversation: %v", got)
	}
	for query, want := range map[string]int{"status=closed": 1, "email=kari@home.example": 1, "search=BROKEN": 1, "search=hand": 1, "companyId=" + company: 2, "search=nothing": 0} {
		if got := len(s.list("/tickets?" + query)); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func TestInvoiceAndNPSSpellings(t *testing.T) {
	s := start(t, Options{Companies: -1})
	company := s.company(`{"name":"Home","externalId":"h"}`)
	enduser := s.ok("POST", "/endusers", `{"email":"e@h.example","companyId":"`+company+`"}`)["_id"]
	invoice := `{"currency":"EUR","cId":"` + company + `","extId":"INV-1","invoiceDate":20485,"amountTotal":4000.50}`
	status, a := s.bulk("/invoices", "["+invoice+"]")
	if status != 200 || a.InsertsKeys[0].ExtID != "INV-1" || a.InsertsKeys[0].ExternalID != "" {
		t.Fatalf("%d %+v", status, a)
	}
	got := s.ok("GET", "/invoices/extid-INV-1", "")
	if got["cName"] != "Home" || fmt.Sprint(got["invoiceNo"]) != "1" || got["lastUpdated"] != "2026-03-05T12:00:00.123Z" || fmt.Sprint(got["invoiceDate"]) != "20485" || got["updatedAt"] != nil {
		t.Errorf("invoice %v", got)
	}
	for _, c := range []struct{ path, body, message string }{
		{"/invoices", invoice, "extId INV-1 already exists"},
		{"/invoices", `{"currency":"EUR","cId":"extid-h"}`, "Cast to ObjectId failed"},
		{"/invoices", `{"currency":"EUR","companyId":"` + company + `"}`, "cId is required"},
		{"/invoices", `{"currency":"EUR","cId":"` + company + `","dueDate":"2026-03-01"}`, "Cast to Number failed"},
		{"/nps", `{"email":"e@h.example","score":11}`, "score must be between 0 and 10"},
		{"/sales", `{"_currency":"EUR","companyId":"` + company + `","salesDate":"2026-03-01","value":0}`, "value must be greater than 0"},
		{"/timeentries", `{"date":"2026-03-01","hours":24.5}`, "hours must be between 0.1 and 24"},
		{"/issues", `{"title":"x","companyIds":["000000000000000000000000"]}`, "not found"},
		{"/issues", `{"title":"x","companyIds":["h"]}`, "Cast to ObjectId failed"},
		{"/customfields", `{"name":"x","parent":"Company","isHidden":true,"type":"colour"}`, "type must be one of"},
		{"/timesheets", `{"timeEntries":[{"id":"x"}]}`, "timeEntries"},
		{"/timeentries/duplicate", `{}`, "ids is required"},
		{"/timeentries/duplicate", `{"ids":["x"]}`, "time entry x not found"},
	} {
		if r := s.do("POST", c.path, c.body); r.status != 400 || !strings.Contains(r.body, c.message) {
			t.Errorf("POST %s %s: %d %s, want 400 with %q", c.path, c.body, r.status, r.body, c.message)
		}
	}
	nps := s.ok("POST", "/nps", `{"email":"e@h.example","score":9,"cId":"`+company+`"}`)
	if nps["euId"] != enduser || nps["companyId"] != nil {
		t.Errorf("nps %v, want euId %v", nps, enduser)
	}
	if got := s.ok("POST", "/nps", `{"email":"nobody@h.example","score":0}`); got["euId"] != nil {
		t.Errorf("nobody's euId: %v", got)
	}
	if len(s.list("/invoices?companyId="+company)) != 1 || len(s.list("/nps?cId="+company)) != 1 || len(s.list("/invoices?companyId=x")) != 0 {
		t.Error("filter by company")
	}
}

func TestTimesheetsPlaceTheirEntries(t *testing.T) {
	s := start(t, Options{Companies: 1, CoreOnly: true})
	company, user := s.first("companies"), s.first("users")
	entry := func() map[string]any {
		return s.ok("POST", "/timeentries", `{"date":"2026-03-03","hours":2.5,"billableRate":120,"costRate":60,"companyId":"`+company+`"}`)
	}
	made, other := entry(), entry()["_id"].(string)
	one := made["_id"].(string)
	if fmt.Sprintf("%v %v %v", made["totalBilled"], made["totalCost"], made["timesheetStatus"]) != "300 150 draft" {
		t.Errorf("totals: %v", made)
	}
	if got := s.ok("PUT", "/timeentries/"+one, `{"hours":1}`); fmt.Sprint(got["totalBilled"]) != "120" {
		t.Errorf("totals after an edit: %v", got)
	}
	sheet := s.ok("POST", "/timesheets", `{"timeEntries":[{"_id":"`+one+`"},{"_id":"`+other+`"}],"dateFrom":20514,"dateTo":20520,"assignedId":"`+user+`"}`)
	id := sheet["_id"].(string)
	if fmt.Sprint(sheet["timeEntries"]) != "["+one+" "+other+"]" || sheet["status"] != "submitted" || sheet["approvedBy"] != nil || sheet["custom"] != nil {
		t.Errorf("sheet %v", sheet)
	}
	placed := func(entry string) string {
		got := s.ok("GET", "/timeentries/"+entry, "")
		return fmt.Sprint(got["timesheetId"], " ", got["timesheetStatus"])
	}
	s.now.Add(time.Minute)
	sheet = s.ok("PUT", "/timesheets/"+id, `{"status":"approved","timeEntries":[{"_id":"`+one+`"}]}`)
	if sheet["approvedBy"] != user || sheet["dateOfApproval"] != "2026-03-05T12:01:00.123Z" {
		t.Errorf("approved: %v", sheet)
	}
	if placed(one) != id+" approved" || placed(other) != "<nil> draft" {
		t.Errorf("entries: %s, %s", placed(one), placed(other))
	}
	r := s.do("POST", "/timeentries/duplicate", `{"ids":["`+one+`"]}`)
	var copies []map[string]any
	simtest.Decode(t, r.body, &copies)
	if r.status != 200 || len(copies) != 1 || copies[0]["_id"] == one || copies[0]["timesheetId"] != nil || fmt.Sprint(copies[0]["totalBilled"]) != "120" {
		t.Errorf("duplicate: %d %s", r.status, r.body)
	}
	if s.ok("DELETE", "/timesheets/"+id, ""); placed(one) != "<nil> draft" {
		t.Errorf("entries of a deleted sheet: %s", placed(one))
	}
	_, before := s.Journal(0)
	s.Live(3000)
	guarded := s.ok("POST", "/timesheets", `{"dateFrom":1,"dateTo":2}`)["_id"].(string)
	s.Mutate(func(tx *Tx) {
		for range 200 {
			if r := tx.any(timesheetModel); r != nil && r.id == guarded {
				t.Error("life may pick a timesheet that the API made, which nothing can mark")
				return
			}
		}
	})
	if slices.Contains(s.journalled(before), "life update timesheet") {
		t.Error("life of the core edits timesheets")
	}
}

func TestIssuesAndStages(t *testing.T) {
	s := start(t, Options{Companies: 2, CoreOnly: true, Switches: with(t, "company_delete", "cascade")})
	ids := column(s.list("/companies?sort=_id"), "_id")
	issue := s.ok("POST", "/issues", `{"title":"x","companyIds":["`+ids[0]+`","`+ids[1]+`"]}`)
	if fmt.Sprintf("%v %v", issue["mrrCombined"], issue["arrCombined"]) != "300 3600" || len(issue["companies"].([]any)) != 2 {
		t.Errorf("issue %v", issue)
	}
	if rows := s.list("/issues?companyId=" + ids[1]); len(rows) != 1 {
		t.Errorf("by the second company: %v", rows)
	}
	deal := s.ok("POST", "/opportunities", `{"companyId":"`+ids[1]+`","salesStage":"Discovery"}`)["_id"].(string)
	s.now.Add(time.Minute)
	history := fmt.Sprint(s.ok("PUT", "/opportunities/"+deal, `{"salesStage":"Proposal"}`)["stageHistory"])
	if history != "[map[stage:Discovery time:2026-03-05T12:00:00.123Z] map[stage:Proposal time:2026-03-05T12:01:00.123Z]]" {
		t.Errorf("stages %s", history)
	}
	s.ok("DELETE", "/companies/"+ids[0], "")
	got := s.ok("GET", "/issues/"+issue["_id"].(string), "")
	if fmt.Sprint(got["companyIds"]) != "["+ids[1]+"]" || fmt.Sprint(got["mrrCombined"]) != "200" {
		t.Errorf("an issue outlives one of its companies: %v", got)
	}
	s.ok("DELETE", "/companies/"+ids[1], "")
	for _, path := range []string{"/issues/" + issue["_id"].(string), "/opportunities/" + deal} {
		if got := s.do("GET", path, "").status; got != 404 {
			t.Errorf("GET %s after its companies went: %d", path, got)
		}
	}
}

func TestCascadeTakesEveryModel(t *testing.T) {
	s := start(t, Options{Companies: 1, Switches: with(t, "company_delete", "cascade")})
	company := s.first("companies")
	for _, m := range childModels() {
		fields, err := parseObject([]byte(strings.ReplaceAll(examples[m].fields, "COMPANY", company)))
		if err != nil {
			t.Fatal(err)
		}
		s.made(m, fields)
	}
	s.ok("DELETE", "/companies/"+company, "")
	for _, m := range childModels() {
		for _, e := range s.store(m).all {
			if e.company == company {
				t.Errorf("%s has a record of the company", m.listing)
			}
		}
	}
	if len(childModels()) != 15 {
		t.Errorf("%d models have companies", len(childModels()))
	}
}

func TestUsersAreStaff(t *testing.T) {
	s := start(t, Options{Companies: 1})
	user := s.ok("POST", "/users", `{"email":"n@v.example","nickName":"N","firstName":"N","lastName":"V","roles":["66f0a1b2c3d4e5f600000111"]}`)
	if user["inactive"] != true || user["notificationsEnabled"] != true || fmt.Sprint(user["roles"]) != "[66f0a1b2c3d4e5f600000111]" {
		t.Errorf("made by the API: %v", user)
	}
	first := s.first("users")
	before := s.ok("GET", "/users/"+first, "")
	s.Derive(2)
	after := s.ok("GET", "/users/"+first, "")
	if floatAny(after["arr"]) != floatAny(before["arr"])+2 || floatAny(after["nrTasksDue7Days"]) != 4 || after["updatedAt"] != before["updatedAt"] {
		t.Errorf("the portfolio moves daily, without a stamp: %v", after)
	}
}
