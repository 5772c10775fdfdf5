package planhatsim

import (
	"bytes"
	"fmt"
)

// living is what users do with the records of a model: edits are formats of one number, create one of a
// number, a company and a time entry.
type living struct {
	model  *model
	edits  []string
	create string
}

var livings = []living{
	{userModel, []string{`{"nickName":"Nick %d"}`, `{"tzOffset":%d}`, `{"custom":{"Region":"r%d"}}`},
		`{"email":"hire-%[1]d@vendor.example","nickName":"Hire","firstName":"New","lastName":"Hire %[1]d"}`},
	{taskModel, []string{`{"action":"Task %d"}`, `{"description":"<p>Do <b>%d</b></p>"}`, `{"status":"in-progress","custom":{"Effort":%d}}`, `{"status":"Done","custom":{"Effort":%d}}`},
		`{"mainType":"task","action":"Life %[1]d","companyId":%[2]q}`},
	{issueModel, []string{`{"title":"Issue %d"}`, `{"priority":"P%d"}`, `{"custom":{"Area":"a%d"}}`, `{"archived":true,"status":"Done %d"}`},
		`{"title":"Life %[1]d","companyIds":[%[2]q]}`},
	{invoiceModel, []string{`{"amountTotal":%d}`, `{"status":"paid","paidDate":%d}`, `{"custom":{"PO number":"PO-%d"}}`},
		`{"currency":"EUR","amountTotal":%[1]d,"invoiceDate":20485,"cId":%[2]q}`},
	{ticketModel, []string{`{"status":"pending %d"}`, `{"title":"Ticket %d"}`, `{"status":"closed","tags":["t%d"]}`},
		`{"sourceId":"life-%[1]d","email":"asks-%[1]d@tickets.example","title":"Life %[1]d","description":"Help","companyId":%[2]q}`},
	{churnModel, []string{`{"value":%d,"churnReason":"Price"}`, `{"description":"Left %d","churnReason":"Left"}`, `{"custom":{"Winback odds":%d}}`},
		`{"value":%[1]d,"isChurn":true,"companyId":%[2]q}`},
	{assetModel, []string{`{"name":"Gateway %d"}`, `{"status":"State %d"}`, `{"custom":{"Firmware":"3.%d"}}`}, `{"name":"Life %[1]d","companyId":%[2]q}`},
	{campaignModel, []string{`{"name":"Push %d"}`, `{"custom":{"Budget":%d}}`}, `{"name":"Life %[1]d","companyId":%[2]q}`},
	{npsModel, []string{`{"comment":"Said %d"}`, `{"score":3,"custom":{"Channel":"c%d"}}`}, `{"email":"life-%[1]d@example.test","score":8,"campaignId":"66f0a1b2c3d4e5f600000482","cId":%[2]q}`},
	{opportunityModel, []string{`{"salesStage":"Stage %d"}`, `{"mrr":%d}`, `{"custom":{"Competitor":"c%d"}}`}, `{"title":"Life %[1]d","companyId":%[2]q}`},
	{objectiveModel, []string{`{"name":"Goal %d"}`, `{"health":%d}`, `{"custom":{"Confidence":%d}}`}, `{"name":"Life %[1]d","companyId":%[2]q}`},
	{projectModel, []string{`{"name":"Wave %d"}`, `{"nrr":%d}`, `{"custom":{"Stage":"s%d"}}`}, `{"name":"Life %[1]d","currency":"EUR","companyId":%[2]q}`},
	{saleModel, []string{`{"product":"Product %d"}`, `{"value":1%d}`, `{"custom":{"Channel":"c%d"}}`}, `{"_currency":"EUR","value":1%[1]d,"salesDate":"2026-01-01","companyId":%[2]q}`},
	{timeEntryModel, []string{`{"description":"Did %d"}`, `{"hours":7.5,"billableRate":%d}`, `{"custom":{"Phase":"p%d"}}`},
		`{"date":"2026-03-03","hours":1.5,"description":"Life %[1]d","companyId":%[2]q}`},
	{timesheetModel, []string{`{"status":"approved","dateTo":%d}`, `{"status":"returned","dateFrom":%d}`},
		`{"dateFrom":20514,"dateTo":20520,"assignedModel":"User","timeEntries":%[3]s}`},
	{customFieldModel, []string{`{"listValues":["v%d"]}`, `{"isFeatured":true,"formula":"%d"}`}, `{"name":"Life %[1]d","type":"text","parent":"Company","isHidden":false}`},
}

// otherHabits are few beside the habits of the core.
var otherHabits = []habit{
	{22, (*Tx).editOther},
	{7, (*Tx).addOther},
	{5, (*Tx).deleteOther},
}

func (tx *Tx) someLiving() living { return livings[tx.s.rng.IntN(len(livings))] }

func (tx *Tx) editOther() bool {
	l := tx.someLiving()
	return tx.edit(l.model, tx.any(l.model), l.edits[tx.s.rng.IntN(len(l.edits))])
}

func (tx *Tx) addOther() bool {
	l := tx.someLiving()
	company := tx.any(companyModel)
	if company == nil {
		return false
	}
	entries := "[]"
	if entry := tx.any(timeEntryModel); entry != nil {
		entries = fmt.Sprintf(`[{"_id":%q}]`, entry.id)
	}
	doc, err := parseObject([]byte(sprint(l.create, tx.s.rng.IntN(1_000_000_000), company.id, entries)))
	if err != nil {
		return false
	}
	_, refusal := tx.create(l.model, "", doc)
	return refusal == nil
}

// sprint fills a format that need not use all of its arguments.
func sprint(format string, args ...any) string {
	return fmt.Sprintf(format+"%[4]s", append(args, "")...)
}

// fewUsers are enough to own what the tenant has: life deletes no more of them.
const fewUsers = 3

func (tx *Tx) deleteOther() bool {
	l := tx.someLiving()
	r := tx.any(l.model)
	switch {
	case r == nil, l.model == userModel && len(tx.s.store(userModel).all) <= fewUsers:
		return false
	case l.model == customFieldModel && !bytes.Contains(r.body, []byte(`"name":"Life `)):
		return false // the fields that records have had from the start are in use
	}
	tx.remove(l.model, r)
	return true
}
