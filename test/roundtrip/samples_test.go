package roundtrip

import "github.com/planhat-bridge/planhat-bridge/planhat"

// sample is an example of an object. Its texts are JSON, in which {n} is a name that no
// other record has, and {company}, {user2} and the like are the ids of records.
type sample struct {
	create string   // every writable field of the object, but custom and those of absent
	update string   // some fields with other values
	absent []string // writable fields that create does not name

	stored   string   // fields that the vendor keeps otherwise than they were sent
	unlisted []string // fields that only a single record has, not a row of the listing
	derived  []string // what the vendor changes along with the fields of update
}

var samples = map[planhat.Object]sample{
	planhat.User: {
		create: `{"email":"{n}@vendor.example","nickName":"Nick","firstName":"Ada","lastName":"Byron","roles":["66f0a1b2c3d4e5f600000481"],
			"externalId":"{n}","inactive":false,"isHidden":true,"notificationsEnabled":false,"isExposedAsSenderOption":true,"tzOffset":-1.5,
			"managers":["{user}"],"teams":["66f0a1b2c3d4e5f600000482"]}`,
		stored:  `{"roles":[{"_id":"66f0a1b2c3d4e5f600000481","name":"Manager","description":"Whole portfolio"}]}`,
		update:  `{"nickName":"Nock","tzOffset":2}`,
		derived: []string{"updatedAt"},
	},
	planhat.Company: {
		create: `{"name":"Acme {n}","externalId":"{n}","sourceId":"src {n}","owner":"{user}","coOwner":"{user}","phase":"Live","status":"customer",
			"description":"Says \"hello\" to 東京","address":"Storgata 1","country":"Norway","city":"Oslo","zip":"0155","phonePrimary":"+47 1","web":"https://{n}.example",
			"tags":["a","b"],"domains":["{n}.example"],"csmScore":4}`,
		update:  `{"phase":"Renewal","tags":[]}`,
		derived: []string{"phaseSince", "lastUpdated", "updatedAt"},
	},
	planhat.Enduser: {
		create: `{"email":"{n}@acme.example","companyId":"{company}","firstName":"Kari","lastName":"Nordmann","externalId":"{n}","sourceId":"src {n}",
			"position":"CFO","phone":"+47 2","tags":["x"],"otherEmails":["{n}@home.example"],"featured":true,"primary":true,"archived":false,
			"npsUnsubscribed":true,"sharedNotificationsPrefs":{"daily":true}}`,
		unlisted: []string{"sharedNotificationsPrefs"},
		update:   `{"lastName":"Hansen","companyId":"{company2}"}`,
		derived:  []string{"name", "companyName", "updatedAt"},
	},
	planhat.Task: {
		create: `{"mainType":"task","companyId":"{company}","action":"Call","description":"<p>Use the <b>new</b> deck</p>","type":"todo",
			"startTime":"2026-03-01T08:00:00.000Z","endTime":"2026-03-01T09:00:00.000Z","dateDone":"2026-03-02T09:00:00.000Z","repeat":"weekly","repeatDays":7,
			"ownerId":"{user}","status":"in-progress","users":[{"id":"{user}","name":"Fix","isOwner":true}],"endusers":[{"id":"{enduser}","name":"Kari"}],
			"checklist":[{"text":"one","done":false}],"activityTags":["t"],"sourceId":"src {n}","externalId":"{n}","noSpecificTime":false,"shared":true,"isArchived":false}`,
		update:  `{"description":"<p>Use the old deck</p>"}`,
		derived: []string{"snippet", "updatedAt"},
	},
	planhat.Issue: {
		create: `{"title":"Export","description":"Drops a column","companyIds":["{company}"],"enduserIds":["{enduser}"],"conversationIds":["{conversation}"],
			"sourceId":"src {n}","source":"jira","sourceUrl":"https://tracker.example/{n}","priority":"High","status":"open","archived":false,"followers":["{user}"]}`,
		update:  `{"companyIds":["{company}","{company2}"],"enduserIds":[],"priority":"Low"}`,
		derived: []string{"companies", "endusers", "updatedAt"},
	},
	planhat.Invoice: {
		create: `{"currency":"EUR","cId":"{company}","product":"Core","extId":"{n}","sourceId":"src {n}","invoiceDate":20485,"dueDate":20515,"paidDate":20500,
			"amountTotal":1234.56,"status":"pending"}`,
		update:  `{"amountTotal":1234.5,"status":"paid"}`,
		derived: []string{"lastUpdated"},
	},
	planhat.Conversation: {
		create:   conversationSample(`"call"`),
		absent:   []string{"companyExternalId"}, // in place of companyId: see references_test.go
		unlisted: []string{"description"},
		update:   `{"description":"<p>Other words</p>","starred":false}`,
		derived:  []string{"snippet", "updatedAt"},
	},
	planhat.Note: {
		create:   conversationSample(`"note"`),
		absent:   []string{"companyExternalId"},
		unlisted: []string{"description"},
		update:   `{"description":"<p>Other words</p>","starred":false}`,
		derived:  []string{"snippet", "updatedAt"},
	},
	planhat.Churn: {
		create: `{"companyId":"{company}","value":100,"arr":1000,"currency":"EUR","reasons":["Budget"],"products":["Core"],"description":"Left",
			"comment":{"text":"Well"},"churnDate":"2026-03-01T00:00:00.000Z","onlyDowngrade":true,"snoozed":true,"sourceId":"src {n}"}`,
		absent:  []string{"isChurn", "churnReason", "externalId"}, // a tenant has these, or the others
		update:  `{"value":200}`,
		derived: []string{"arr", "updatedAt"},
	},
	planhat.Asset: {
		create: `{"name":"Gateway","companyId":"{company}","externalId":"{n}","sourceId":"src {n}","serialNumber":"GW-1","value":900,"_currency":"EUR",
			"installDate":"2026-03-01T00:00:00.000Z","status":"Active","ownerId":"{user}"}`,
		update:  `{"ownerId":"{user2}"}`,
		derived: []string{"ownerName", "updatedAt"},
	},
	planhat.Campaign: {
		create: `{"name":"Push","companyId":"{company}","campaignPurpose":"Adoption","externalId":"{n}","sourceId":"src {n}"}`,
		update: `{"campaignPurpose":"Winback"}`,
	},
	planhat.NPS: {
		create: `{"email":"fix@enduser.example","score":9,"cId":"{company}","campaignId":"{campaign}","comment":"Quick","source":"survey","sourceId":"src {n}",
			"dateSent":"2026-03-01T00:00:00.000Z","dateAnswered":"2026-03-02T00:00:00.000Z"}`,
		update:  `{"email":"fix2@enduser.example","score":0}`,
		derived: []string{"euId"},
	},
	planhat.Opportunity: {
		create: `{"companyId":"{company}","title":"Module","salesStage":"Proposal","dealDate":"2026-03-01T00:00:00.000Z","landingDate":"2026-04-01T00:00:00.000Z",
			"closeDate":"2026-05-01T00:00:00.000Z","externalId":"{n}","sourceId":"src {n}","_currency":"EUR","ownerId":"{user}","mrr":10.5,"arr":126,"nrr":1,
			"contractLength":24,"status":"active"}`,
		update:  `{"salesStage":"Won","status":"won"}`,
		derived: []string{"stageHistory"},
	},
	planhat.Objective: {
		create: `{"name":"Cut reporting","companyId":"{company}","health":7.5,"externalId":"{n}","sourceId":"src {n}"}`,
		update: `{"health":null}`,
	},
	planhat.Project: {
		create: `{"name":"Rollout","companyId":"{company}","externalId":"{n}","sourceId":"src {n}","currency":"EUR","startDate":"2026-03-01T00:00:00.000Z",
			"endDate":"2026-04-01T00:00:00.000Z","mrr":1,"arr":12,"nrr":5000}`,
		update:  `{"companyId":"{company2}"}`,
		derived: []string{"companyName"},
	},
	planhat.Sale: {
		create: `{"_currency":"EUR","companyId":"{company}","salesDate":"2026-03-01T00:00:00.000Z","value":500,"product":"Onboarding","externalId":"{n}","sourceId":"src {n}"}`,
		update: `{"value":12.75}`,
	},
	planhat.TimeEntry: {
		create: `{"date":"2026-03-03T00:00:00.000Z","hours":1.5,"companyId":"{company}","isTimeOff":true,"isBillable":true,"description":"Workshop",
			"billingCode":"ONB","currency":"EUR","billableRate":120,"costRate":60}`,
		update:  `{"hours":2}`,
		derived: []string{"totalBilled", "totalCost"},
	},
	planhat.Timesheet: {
		create: `{"status":"submitted","timeEntries":[{"_id":"{timeentry}"}],"dateFrom":20514,"dateTo":20520,"assignedModel":"User","assignedId":"{user}"}`,
		stored: `{"timeEntries":["{timeentry}"]}`,
		update: `{"status":"approved"}`,
		// approvedBy and dateOfApproval are new.
		derived: []string{"approvedBy", "dateOfApproval", "updatedAt"},
	},
	planhat.License: {
		create: `{"_currency":"EUR","companyId":"{company}","fromDate":"2026-01-01T00:00:00.000Z","toDate":"2026-12-31T00:00:00.000Z","product":"Core",
			"externalId":"{n}","sourceId":"src {n}","fixedPeriod":true,"value":1200,"mrr":100,"renewalStatus":"ongoing","autoRenews":true,"renewalPeriod":12,
			"renewalUnit":"month","noticePeriod":3,"noticeUnit":"month","invoiceCycle":"yearly"}`,
		update:  `{"value":2400}`,
		derived: []string{"mrr", "arr", "renewalMrr", "renewalArr"},
	},
}

func conversationSample(kind string) string {
	return `{"companyId":"{company}","subject":"Kickoff","description":"<p>Said <b>yes</b></p>","type":` + kind + `,"date":"2026-03-01T00:00:00.000Z",
		"outDate":"2026-03-01T01:00:00.000Z","users":[{"id":"{user}","name":"Fix","isOwner":true}],"endusers":[{"id":"{enduser}","name":"Kari"}],
		"externalId":"{n}","activityTags":["t"],"starred":true,"pinned":true,"archived":false}`
}
