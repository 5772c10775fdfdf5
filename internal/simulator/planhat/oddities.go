package planhatsim

// Values that real tenants have been seen to give, in their own spelling: JSON text that must survive.
// The first records of each listing carry one each, later ones now and then. "-" drops the name.
var oddities = map[*model][]string{
	companyModel: {
		`{"name":"Caf\u00e9 \ud83d\ude80 \u0026 S\u00f8nner","custom":{"🚀 Stage":"go","Tier \"A/B\"":"x","tier a\\b":"y"}}`,
		`{"custom":{"Big":12345678901234567890,"Rate":1.0,"Count":1,"Tiny":1e-7,"Exact":0.1000,"Minus zero":-0,"Huge":1E+30}}`,
		`{"externalId":"","sourceId":"-","owner":null,"h":null,"renewalDate":null,"renewalDaysFromNow":null,"custom":{"Empty":"","Nothing":null}}`,
		`{"nextTouch":1772618400000,"nextTouchDate":"2026-03-04T10:00:00.000Z","orgUnits":"2","orgLevel":"1","alerts":0,"lastActivities":"none"}`,
		`{"nextTouch":"2026-03-04T10:00:00.000Z","domains":[],"tags":[],"custom":{"tier":"a","Tier":"b","SFDC sync":"2026-03-04T10:00:00.000+0000"}}`,
		`{"licenses":[{"_id":"66f0a1b2c3d4e5f600000301","product":"Core","value":48000.50,"_currency":{"_id":"EUR","symbol":"€","rate":1,"isBase":true,"overrides":{}}}],"sales":[]}`,
		`{"name":"<b>Harbor</b> & Pine","description":"Line one\nLine two\ttab","lastTouchByType":{"note":"2026-03-03T10:00:00.000Z"},"usage":{},"features":{}}`,
	},
	enduserModel: {
		`{"featured":"","primary":"","npsUnsubscribed":""}`,
		`{"email":"-","externalId":"no-mail-1","nps":null,"npsComment":null}`,
		`{"email":"shared@both.example"}`,
		`{"email":"shared@both.example","featured":true}`,
		`{"firstName":"","lastName":"","name":"","phone":null,"position":"VP of \u201cSpecial\u201d <Ops>"}`,
		`{"archived":true,"custom":{}}`,
		`{"beats":1.0,"beatsTotal":98765432109876543210,"custom":{"Badge":1.50,"Fav 🍕":["a",null,1.0,{"k":"v"}]}}`,
	},
	conversationModel: {
		`{"type":"note","externalId":"ext-note-1","snippet":"\u003cnot markup\u003e \ud83d\ude42","custom":{"Mood":1.0}}`,
		`{"type":"email","sender":[{"email":"a@b.example"}],"numberOfParts":3,"endusers":[{"id":"66f0a1b2c3d4e5f600000201","name":"Kari Example"}]}`,
		`{"type":"ticket","externalId":"desk-5501","subType":"ticket","status":"open","email":"kari@c0.example","days":20516,"updateDate":"2026-03-04T07:00:00.000Z"}`,
		`{"type":"note","subject":null,"description":null,"snippet":"","users":[],"userIds":[],"archived":true}`,
		`{"type":"Meeting","isCustomType":true,"outDate":"2026-03-03T11:00:00.000Z","activityTags":["66f0a1b2c3d4e5f600000601"]}`,
	},
	licenseModel: {
		`{"value":1.0,"mrr":0.0833333333333333333,"custom":{"Contract no":20260000000000000001}}`,
		`{"toDate":null,"fixedPeriod":false,"value":"-","length":"-","renewalDate":null,"renewalDaysFromNow":null,"mrr":4000}`,
		`{"_currency":{"_id":"USD","symbol":"$","rate":0.9,"isBase":false,"overrides":{}}}`,
		`{"externalId":null,"product":"","autoRenews":"","custom":{}}`,
	},
	userModel: {
		`{"permissions":{"all":true},"arr":1234567.10}`,
		`{"externalId":"-","inactive":true,"createAt":"2025-11-03T07:00:00.000Z"}`,
	},
	taskModel: {
		`{"description":"<p>1 &lt; 2 \u0026 more</p>","snippet":"1 < 2 & more","custom":{"Effort 🚀":1.50}}`,
		`{"ownerId":null,"startTime":null,"repeat":"custom","repeatDays":10,"endusers":[{"id":"66f0a1b2c3d4e5f600000201","name":"Kari Example"}]}`,
	},
	issueModel: {
		`{"companyIds":[],"companies":[],"mrrCombined":0,"arrCombined":0,"sourceId":null}`,
		`{"enduserIds":["66f0a1b2c3d4e5f600000201"],"companyMatchingValue":[]}`,
	},
	invoiceModel: {
		`{"amountTotal":4000.00,"extId":null,"sourceId":"inv-0","lineItems":[{"text":"Core","amount":1e3}]}`,
		`{"invoiceDate":-1,"dueDate":null,"paidDate":0,"status":"overdue"}`,
	},
	churnModel:       {`{"comment":{"text":"Said \"no\""},"value":1.0,"arr":12.0,"onlyDowngrade":true}`},
	assetModel:       {`{"usage":{"a":1.0},"value":null,"installDate":null}`},
	npsModel:         {`{"euId":null,"email":"stranger@nowhere.example","comment":null,"score":0}`},
	opportunityModel: {`{"arr":0.1000,"probability":"40","stageHistory":[],"salesStage":null}`},
	projectModel:     {`{"startDate":null,"nrr":98765432109876543210,"externalId":null}`},
	timeEntryModel:   {`{"hours":0.10,"totalBilled":12.00,"totalCost":6,"isBillable":""}`},
}

var (
	companyNames = []string{"Fjordlight Energy", "Harbor & Pine", "Nordvind Software", "Ærlig Øl AS", "Zürich Präzision", "東京データ", "O'Neill \"Quotes\" Ltd"}
	firstNames   = []string{"Kari", "Sam", "Zoë", "José", "Li", "Åse", "Olu"}
	phases       = []string{"Onboarding", "Adoption", "Renewal", "At risk 🔥"}
)

// seededField is an entry of the catalogue of custom fields.
type seededField struct{ name, kind, parent string }

var seededFields = []seededField{
	{"Customer Tier", "list", "Company"}, {"Seats", "number", "Company"}, {formulaField, "number", "Company"},
	{"Reference ok?", "checkbox", "Company"}, {"Go-live date", "date", "Company"}, {"Modules", "multipicklist", "Company"},
	{"🚀 Stage", "text", "Company"}, {"Department", "text", "EndUser"}, {"Badge", "number", "EndUser"},
	{"Region 🌍", "text", "Company"}, {"Tier", "text", "Company"}, {"Seats", "number", "License"}, {"Mood", "number", "Conversation"},
	{"cmd", "text", "Company"}, {"cmd", "text", "EndUser"}, {"cmd", "text", "License"}, {"cmd", "text", "Conversation"}, // marks of commands
}

// otherFields are those of the models beyond the core.
var otherFields = []seededField{
	{"Region", "text", "User"}, {"Effort", "number", "Task"}, {"Area", "text", "Issue"}, {"PO number", "text", "Invoice"},
	{"Winback odds", "number", "Churn"}, {"Firmware", "text", "Asset"}, {"Budget", "number", "Campaign"}, {"Channel", "text", "NPS"},
	{"Competitor", "text", "Opportunity"}, {"Confidence", "number", "Objective"}, {"Stage", "text", "Project"}, {"Channel", "text", "Sale"},
	{"Phase", "text", "TimeEntry"},
	{"cmd", "text", "User"}, {"cmd", "text", "Task"}, {"cmd", "text", "Issue"}, {"cmd", "text", "Invoice"}, {"cmd", "text", "Churn"},
	{"cmd", "text", "Asset"}, {"cmd", "text", "Campaign"}, {"cmd", "text", "NPS"}, {"cmd", "text", "Opportunity"}, {"cmd", "text", "Objective"},
	{"cmd", "text", "Project"}, {"cmd", "text", "Sale"}, {"cmd", "text", "TimeEntry"},
}
