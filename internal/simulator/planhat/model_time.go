package planhatsim

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

var timeEntryModel = &model{
	object: "timeentry", listing: "timeentries", path: "/timeentries", verbs: "CUGLDBX",
	pageDefault: 100, pageMax: 2000,
	required: [][]string{{"date"}, {"hours"}},
	writable: columns{
		kindDate: "date", kindNumber: "hours billableRate costRate", kindBool: "isTimeOff isBillable", kindText: "description billingCode currency",
	}.table(),
	readOnly: names("totalBilled totalCost timesheetStatus timesheetId __v"),
	company:  "companyId",
	detail:   names("__v"),
	defaults: `{"isTimeOff":false,"isBillable":false,"timesheetStatus":"draft","timesheetId":null}`,
	filters:  map[string]filter{"companyId": byCompany},
	admit:    between("hours", 0.1, 24),
	derive:   deriveTimeEntry,
}

func deriveTimeEntry(_ *Tx, doc *document, before document) {
	if !differs(before, *doc, "hours", "billableRate", "costRate") {
		return
	}
	hours := floatOf(doc.get("hours"))
	for _, name := range [][2]string{{"billableRate", "totalBilled"}, {"costRate", "totalCost"}} {
		if doc.has(name[0]) {
			setIfNew(doc, name[1], number(hours*floatOf(doc.get(name[0]))))
		}
	}
}

// duplicate answers POST /timeentries/duplicate: copies, without a timesheet.
func (tx *Tx) duplicate(r *request) answer {
	var asked struct {
		IDs []string `json:"ids"`
	}
	if err := json.Unmarshal(r.body, &asked); err != nil || asked.IDs == nil {
		return failure(tx.sw, http.StatusBadRequest, "ids is required")
	}
	st := tx.s.store(r.model)
	for _, id := range asked.IDs {
		if st.byID[id] == nil {
			return failure(tx.sw, http.StatusBadRequest, "time entry "+clip([]byte(id))+" not found")
		}
	}
	body := []byte{'['}
	for _, id := range asked.IDs {
		doc := splitObject(st.byID[id].body).clone()
		doc.setText("_id", tx.s.ids.next(tx.at))
		doc.setText("timesheetStatus", "draft")
		doc.set("timesheetId", []byte("null"))
		copied := st.put(doc)
		tx.log(r.model, copied, "create", "created", doc)
		body = append(comma(body), tx.written(r.model, copied)...)
	}
	return answer{Status: http.StatusOK, Kind: simkit.TypeJSON, Body: append(body, ']'), Items: len(asked.IDs)}
}

var timesheetModel = &model{
	object: "timesheet", listing: "timesheets", path: "/timesheets", verbs: "CUGLDB",
	pageDefault: 100, pageMax: 2000,
	writable: columns{
		kindText: "status assignedModel", kindList: "timeEntries", kindNumber: "dateFrom dateTo", kindID: "assignedId",
	}.table(),
	readOnly:     names("approvedBy dateOfApproval createdAt updatedAt __v"),
	noCustom:     true,
	createStamps: []string{"createdAt"},
	updateStamps: []string{"updatedAt"},
	detail:       names("__v"),
	defaults:     `{"timeEntries":[],"status":"submitted","assignedModel":"User"}`,
	filters:      map[string]filter{},
	admit:        admitTimesheet,
	derive:       deriveTimesheet,
	after:        afterTimesheet,
}

// admitTimesheet keeps the ids of entries, which are written as objects.
func admitTimesheet(_ *Tx, fields *document, _ bool) *refusal {
	raw := fields.get("timeEntries")
	if isNull(raw) {
		return nil
	}
	ids := []byte{'['}
	for _, item := range splitArray(raw) {
		if item[0] == '{' {
			item = splitObject(item).get("_id")
		}
		if id, ok := textOf(item); !ok || !isObjectID(id) {
			return &refusal{status: 400, validation: true, message: `Cast to ObjectId failed at path "timeEntries"`}
		}
		ids = append(comma(ids), item...)
	}
	fields.set("timeEntries", append(ids, ']'))
	return nil
}

func deriveTimesheet(tx *Tx, doc *document, before document) {
	if doc.text("status") != "approved" || before.text("status") == "approved" {
		return
	}
	doc.setText("dateOfApproval", stamp(tx.at))
	if users := tx.s.store(userModel).view("_id").entries; len(users) > 0 {
		doc.setText("approvedBy", users[0].rec.id)
	}
}

// afterTimesheet tells the entries that they are on the sheet, or not any more.
func afterTimesheet(tx *Tx, r *record, before, after document) {
	vendor := tx.asVendor()
	for _, entry := range tx.referred(timeEntryModel, before.get("timeEntries")) {
		if !bytes.Contains(after.get("timeEntries"), []byte(entry.id)) {
			vendor.place(entry, []byte("null"), "draft")
		}
	}
	for _, entry := range tx.referred(timeEntryModel, after.get("timeEntries")) {
		vendor.place(entry, quoted(r.id), after.text("status"))
	}
}

func (tx *Tx) place(entry *record, sheet []byte, status string) {
	old := splitObject(entry.body)
	doc := old.clone()
	over := document{}
	over.set("timesheetId", sheet)
	over.setText("timesheetStatus", status)
	overlay(&doc, over, false)
	if sameDocument(old, doc) {
		return
	}
	tx.s.store(timeEntryModel).put(doc)
	tx.log(timeEntryModel, entry, "update", "updated", over)
}
