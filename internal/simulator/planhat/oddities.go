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
}

var (
	companyNames = []string{"Fjordlight Energy", "Harbor & Pine", "Nordvind Software", "Ærlig Øl AS", "Zürich Präzision", "東京データ", "O'Neill \"Quotes\" Ltd"}
	firstNames   = []string{"Kari", "Sam", "Zoë", "José", "Li", "Åse", "Olu"}
	phases       = []string{"Onboarding", "Adoption", "Renewal", "At risk 🔥"}
)

// seededFields is the catalogue of custom fields.
var seededFields = []struct{ name, kind, parent string }{
	{"Customer Tier", "list", "Company"}, {"Seats", "number", "Company"}, {formulaField, "number", "Company"},
	{"Reference ok?", "checkbox", "Company"}, {"Go-live date", "date", "Company"}, {"Modules", "multipicklist", "Company"},
	{"🚀 Stage", "text", "Company"}, {"Department", "text", "EndUser"}, {"Badge", "number", "EndUser"},
	{"Seats", "number", "License"}, {"Mood", "number", "Conversation"},
}
