package planhatsim

import "fmt"

// seeding makes a model's records: one for every nth company, from the one at the offset on.
type seeding struct {
	model         *model
	every, offset int
	text          func(*seeder, *seat) string
}

func (s seeding) at(i int) bool { return i%s.every == s.offset }

// count is how many records that makes for a number of companies.
func (s seeding) count(companies int) int { return (companies - s.offset + s.every - 1) / s.every }

// seat is what a record is seeded with: its company, the people there, and its moments.
type seat struct {
	i            int
	id           string // of the record
	born, edited string
	day          int64 // of its creation, since 1970-01-01
	company      string
	name         []byte // the company's
	previous     string // the company seeded before, or this one
	owner        string // JSON text: a user's id or null
	ownerName    []byte
	enduser      string // JSON text: an enduser's id or null
	entry        string // the company's time entry, "" for none
}

var seedings = []seeding{
	{taskModel, 1, 0, seedTask},
	{issueModel, 2, 0, seedIssue},
	{invoiceModel, 1, 0, seedInvoice},
	{churnModel, 5, 4, seedChurn},
	{assetModel, 2, 1, seedAsset},
	{campaignModel, 6, 0, seedCampaign},
	{npsModel, 3, 0, seedNPS},
	{opportunityModel, 2, 0, seedOpportunity},
	{objectiveModel, 3, 1, seedObjective},
	{projectModel, 3, 0, seedProject},
	{saleModel, 4, 1, seedSale},
	{timeEntryModel, 2, 0, seedTimeEntry},
	{timesheetModel, 8, 0, seedTimesheet},
}

func seedingTotal(companies int) (total int) {
	for _, s := range seedings {
		total += s.count(companies)
	}
	return total
}

// others seeds what a company has of the models beyond the core.
func (g *seeder) others(i int, company, previous, enduser string) {
	p := &seat{i: i, company: company, name: g.companyName(company), previous: previous, owner: "null", ownerName: []byte(`""`), enduser: "null"}
	if p.previous == "" {
		p.previous = company
	}
	if len(g.users) > 0 {
		user := g.users[i%len(g.users)]
		p.owner, p.ownerName = `"`+user+`"`, userName(g.tx, user)
	}
	if enduser != "" {
		p.enduser = `"` + enduser + `"`
	}
	for _, s := range seedings {
		if !s.at(i) {
			continue
		}
		p.id = g.next()
		p.born, p.edited, p.day = stamp(g.born), g.edited(), epochDay(g.born)
		g.add(s.model, s.text(g, p))
		if s.model == timeEntryModel {
			p.entry = p.id
		}
	}
}

func seedTask(_ *seeder, p *seat) string {
	status, done := "To Do", "null"
	if p.i%4 == 3 {
		status, done = taskDone, `"`+p.edited+`"`
	}
	mainType := "task"
	if p.i%7 == 5 {
		mainType = "event"
	}
	return fmt.Sprintf(`{"_id":%q,"mainType":%q,"companyId":%q,"companyName":%s,"action":"Prepare kickoff deck %d","description":"<p>Use the new template.</p>",
"snippet":"Use the new template.","type":"todo","status":%q,"ownerId":%s,"ownerName":%s,"startTime":%q,"endTime":null,"dateDone":%s,"users":[],"endusers":[],
"checklist":[],"activityTags":[],"noSpecificTime":true,"shared":false,"overdueNotified":false,"isArchived":%t,"sourceId":"crm-task-%d","custom":{"Effort":%d},
"createdAt":%q,"updatedAt":%q,"__v":0}`,
		p.id, mainType, p.company, p.name, p.i, status, p.owner, p.ownerName, p.born, done, status == taskDone, p.i, p.i%9, p.born, p.edited)
}

func seedIssue(g *seeder, p *seat) string {
	ids := quoted(p.company)
	companies := []*record{g.tx.s.store(companyModel).byID[p.company]}
	if p.previous != p.company {
		ids = fmt.Appendf(ids, ",%q", p.previous)
		companies = append(companies, g.tx.s.store(companyModel).byID[p.previous])
	}
	mrr, arr := 0.0, 0.0
	for _, c := range companies {
		mrr += floatOf(memberOf(c.body, "mrr"))
		arr += floatOf(memberOf(c.body, "arr"))
	}
	return fmt.Sprintf(`{"_id":%q,"title":"Export misses column %d","description":"CSV export drops the totals column.","companyIds":[%s],"companies":%s,
"enduserIds":[],"endusers":[],"conversationIds":[],"sourceId":"JIRA-%d","source":"jira","sourceUrl":"https://tracker.example/JIRA-%d","priority":"High",
"status":"In progress","archived":%t,"followers":[],"mrrCombined":%s,"arrCombined":%s,"custom":{"Area":"Export"},"createdAt":%q,"updatedAt":%q}`,
		p.id, p.i, ids, references(companies), p.i, p.i, p.i%10 == 8, number(mrr), number(arr), p.born, p.edited)
}

func seedInvoice(g *seeder, p *seat) string {
	g.tx.s.invoices++
	paid, status := "null", "pending"
	if p.i%2 == 0 {
		paid, status = fmt.Sprint(p.day+12), "paid"
	}
	return fmt.Sprintf(`{"_id":%q,"cId":%q,"cName":%s,"currency":"EUR","product":"Core subscription","extId":%q,"sourceId":null,"invoiceNo":%d,"invoiceDate":%d,
"dueDate":%d,"paidDate":%s,"amountTotal":%d,"status":%q,"lineItems":[],"emails":[],"addressCountry":"Norway","invoiceCycle":"monthly","custom":{"PO number":"PO-%d"},
"lastUpdated":%q}`,
		p.id, p.company, p.name, externalID("INV", p.i, 0), g.tx.s.invoices, p.day, p.day+30, paid, 100*(1+p.i%90), status, p.i, p.edited)
}

func seedChurn(_ *seeder, p *seat) string {
	value := 100 * (1 + p.i%20)
	return fmt.Sprintf(`{"_id":%q,"companyId":%q,"companyName":%s,"value":%d,"arr":%d,"currency":"EUR","reasons":["Budget"],"products":["Core"],
"description":"Closed pilot %d","churnDate":%q,"onlyDowngrade":false,"snoozed":false,"sourceId":"churn-%d","custom":{"Winback odds":%d},"createdAt":%q,"updatedAt":%q,
"isChurn":true,"churnReason":"Budget","externalId":"ch-%d","createDate":%q}`,
		p.id, p.company, p.name, value, value*12, p.i, p.born, p.i, p.i%100, p.born, p.edited, p.i, p.born)
}

func seedAsset(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"companyId":%q,"companyName":%s,"name":"Site gateway %d","externalId":%q,"sourceId":null,"serialNumber":"GW-%06d","value":900,
"_currency":"EUR","installDate":%q,"status":"Active","ownerId":%s,"ownerName":%s,"followers":[],"usage":{},"custom":{"Firmware":"2.4.%d"},"createdAt":%q,"updatedAt":%q}`,
		p.id, p.company, p.name, p.i, externalID("gw", p.i, 0), p.i, p.born, p.owner, p.ownerName, p.i%10, p.born, p.edited)
}

func seedCampaign(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"name":"Adoption push %d","campaignPurpose":"Adoption","companyId":%q,"companyName":%s,"externalId":%q,"sourceId":null,"custom":{"Budget":%d}}`,
		p.id, p.i, p.company, p.name, externalID("camp", p.i, 0), 100*p.i)
}

func seedNPS(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"cId":%q,"euId":%s,"email":"user%d.0@c%d.example","campaignId":null,"score":%d,"comment":"Quick support","source":"survey.example",
"sourceId":"resp-%d","dateSent":%q,"dateAnswered":%q,"custom":{"Channel":"web"}}`,
		p.id, p.company, p.enduser, p.i, p.i, p.i%11, p.i, p.born, p.edited)
}

func seedOpportunity(_ *seeder, p *seat) string {
	mrr := 10 * (1 + p.i%80)
	return fmt.Sprintf(`{"_id":%q,"companyId":%q,"companyName":%s,"title":"Add module %d","salesStage":"Proposal","status":"active","dealDate":%q,"landingDate":null,
"closeDate":null,"externalId":null,"sourceId":"006Ab%08d","_currency":"EUR","ownerId":%s,"mrr":%d,"arr":%d,"nrr":0,"contractLength":12,"probability":40,
"stageHistory":[{"stage":"Discovery","time":%q},{"stage":"Proposal","time":%q}],"custom":{"Competitor":"none"}}`,
		p.id, p.company, p.name, p.i, p.born, p.i, p.owner, mrr, mrr*12, p.born, p.edited)
}

func seedObjective(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"name":"Cut manual reporting by %d","health":%d,"companyId":%q,"companyName":%s,"externalId":%q,"sourceId":null,"custom":{"Confidence":%d}}`,
		p.id, p.i, p.i%11, p.company, p.name, externalID("obj", p.i, 0), p.i%100)
}

func seedProject(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"name":"Rollout wave %d","companyId":%q,"companyName":%s,"externalId":%q,"sourceId":null,"currency":"EUR","startDate":%q,"endDate":null,
"mrr":0,"arr":0,"nrr":5000,"custom":{"Stage":"Build"},"__v":0}`,
		p.id, p.i, p.company, p.name, externalID("prj", p.i, 0), p.born)
}

func seedSale(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"_currency":"EUR","product":"Advanced onboarding","companyId":%q,"companyName":%s,"externalId":%q,"sourceId":null,"salesDate":%q,
"value":%d,"custom":{"Channel":"partner"},"__v":0}`,
		p.id, p.company, p.name, externalID("sale", p.i, 0), p.born, 500*(1+p.i%10))
}

func seedTimeEntry(_ *seeder, p *seat) string {
	return fmt.Sprintf(`{"_id":%q,"companyId":%q,"date":%q,"hours":2.5,"description":"Workshop %d","isTimeOff":false,"isBillable":true,"billingCode":"ONB","currency":"EUR",
"billableRate":120,"totalBilled":300,"costRate":60,"totalCost":150,"timesheetStatus":"draft","timesheetId":null,"custom":{"Phase":"Kickoff"}}`,
		p.id, p.company, p.born, p.i)
}

// seedTimesheet puts the company's time entry on a sheet, on both sides.
func seedTimesheet(g *seeder, p *seat) string {
	status, approval := "submitted", ""
	if p.i%16 == 0 {
		status, approval = "approved", fmt.Sprintf(`,"approvedBy":%s,"dateOfApproval":%q`, p.owner, p.edited)
	}
	entry := g.tx.s.store(timeEntryModel).byID[p.entry]
	doc := splitObject(entry.body).clone()
	doc.setText("timesheetStatus", status)
	doc.setText("timesheetId", p.id)
	g.tx.s.store(timeEntryModel).put(doc)
	return fmt.Sprintf(`{"_id":%q,"timeEntries":[%q],"status":%q,"assignedModel":"User","assignedId":%s,"dateFrom":%d,"dateTo":%d,"createdAt":%q,"updatedAt":%q,"__v":0%s}`,
		p.id, p.entry, status, p.owner, p.day-6, p.day, p.born, p.edited, approval)
}
