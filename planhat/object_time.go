package planhat

import "slices"

// timeEntrySpec: over the API an entry can be tied to a company only, or to nothing.
var timeEntrySpec = Spec{
	Object:       TimeEntry,
	Listing:      "timeentries",
	Path:         "/timeentries",
	PageSize:     2000,
	Keys:         []Key{KeyID},
	CompanyField: "companyId",
	Required:     [][]string{{"date"}, {"hours"}},
	Limited:      []string{"hours"},
	Rank:         30,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(TimestampMillis, "date"),
		writable(Double, "hours"),
		byKey(refers(Company, writable(String, "companyId"))),
		writable(Boolean, "isTimeOff", "isBillable"),
		writable(String, "description", "billingCode", "currency"),
		writable(Double, "billableRate", "costRate"),
		writable(JSON, "custom"),
		readOnly(Double, "totalBilled", "totalCost"),
		readOnly(String, "timesheetStatus"),
		refers(Timesheet, readOnly(String, "timesheetId")),
		// Seen in real answers, documented nowhere.
		readOnly(Long, "__v"),
	),
}

// timesheetSpec: a timesheet belongs to a user and to no company. Its time entries are
// written as objects with _id and read as ids. It is written after them.
var timesheetSpec = Spec{
	Object:   Timesheet,
	Listing:  "timesheets",
	Path:     "/timesheets",
	PageSize: 2000,
	Stamp:    "updatedAt",
	Keys:     []Key{KeyID},
	Limited:  []string{"status", "assignedModel"},
	Rank:     40,
	Fields: slices.Concat(
		readOnly(String, "_id"),
		writable(String, "status"),
		refers(TimeEntry, writable(JSON, "timeEntries")),
		writable(Date, "dateFrom", "dateTo"),
		writable(String, "assignedModel"),
		refers(User, writable(String, "assignedId")),
		refers(User, readOnly(String, "approvedBy")),
		readOnly(TimestampMillis, "dateOfApproval", "createdAt", "updatedAt"),
		readOnly(Long, "__v"),
	),
}
