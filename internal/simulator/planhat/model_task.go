package planhatsim

var taskModel = &model{
	object: "task", listing: "tasks", path: "/tasks", verbs: "CUGLDB",
	pageDefault: 500, pageMax: 10000,
	keys:     []string{"sourceId", "externalId"},
	required: [][]string{{"mainType"}, {"companyId"}},
	writable: columns{
		kindText:   "mainType action description type repeat status sourceId externalId",
		kindDate:   "startTime endTime dateDone",
		kindID:     "ownerId",
		kindList:   "users endusers checklist activityTags",
		kindNumber: "repeatDays",
		kindBool:   "noSpecificTime shared isArchived",
	}.table(),
	readOnly:      names("companyName ownerName snippet doneBy overdueNotified createdAt updatedAt __v"),
	createStamps:  []string{"createdAt"},
	updateStamps:  []string{"updatedAt"},
	company:       "companyId",
	companyName:   "companyName",
	archivedField: "isArchived",
	detail:        names("__v"),
	defaults: `{"mainType":null,"type":"todo","status":"To Do","startTime":null,"endTime":null,"users":[],"endusers":[],"checklist":[],` +
		`"activityTags":[],"noSpecificTime":true,"shared":false,"overdueNotified":false,"isArchived":false}`,
	filters: map[string]filter{"companyId": byCompany, "enduserIds": byListed("endusers")},
	admit:   admitTask,
	derive:  deriveTask,
	after:   afterTask,
}

// taskDone is the one spelling that finishes a task.
const taskDone = "Done"

// taskStatuses are the spellings that the API takes. The option list that people see says "done", which
// the API refuses.
var taskStatuses = map[string]bool{taskDone: true, "ignored": true, "blocked": true, "in-progress": true, "To Do": true}

func admitTask(tx *Tx, fields *document, _ bool) *refusal {
	if status := fields.text("status"); status == "" || taskStatuses[status] || tx.sw.TaskStatus == "any" {
		return nil
	}
	failed := refuse(400, "Failed to execute task status update")
	if tx.sw.TaskStatus == "500-text" {
		failed.status = 500
	}
	failed.text = true
	return failed
}

// deriveTask archives what is done, and keeps the owner's name as it was when the task was made.
func deriveTask(tx *Tx, doc *document, before document) {
	deriveSnippet(doc, before)
	if before == nil {
		doc.set("ownerName", userName(tx, doc.text("ownerId")))
	}
	if !finished(before, *doc) {
		return
	}
	doc.set("isArchived", []byte("true"))
	if !doc.has("dateDone") {
		doc.setText("dateDone", stamp(tx.at))
	}
	if owner := doc.get("ownerId"); !isNull(owner) {
		doc.set("doneBy", owner)
	}
}

func finished(before, after document) bool {
	return after.text("status") == taskDone && before.text("status") != taskDone
}

// afterTask makes the conversation that tells of a finished task.
func afterTask(tx *Tx, _ *record, before, after document) {
	if !finished(before, after) {
		return
	}
	told := document{}
	for _, name := range [][2]string{{"companyId", "companyId"}, {"action", "subject"}, {"description", "description"}, {"endusers", "endusers"}, {"dateDone", "date"}} {
		if val := after.get(name[0]); !isNull(val) {
			told.set(name[1], val)
		}
	}
	told.setText("type", "note")
	// A task whose company is gone has nobody to tell it to.
	_, _ = tx.asVendor().create(conversationModel, "", told)
}
