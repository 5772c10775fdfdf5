package samples

import "github.com/planhat-bridge/planhat-bridge/planhat"

// Written are examples of the objects that commands write, by object.
var Written = map[planhat.Object]Sample{
	planhat.User: {
		Create: `{"email":"{n}@vendor.example","nickName":"Nick","firstName":"Ada","lastName":"Byron","roles":["66f0a1b2c3d4e5f600000481"],
			"externalId":"{n}","inactive":false,"isHidden":true,"notificationsEnabled":false,"isExposedAsSenderOption":true,"tzOffset":-1.5,
			"managers":["{user}"],"teams":["66f0a1b2c3d4e5f600000482"]}`,
		Stored:  `{"roles":[{"_id":"66f0a1b2c3d4e5f600000481","name":"Manager","description":"Whole portfolio"}]}`,
		Update:  `{"nickName":"Nock","tzOffset":2}`,
		Derived: []string{"updatedAt"},
	},
	planhat.Company: {
		Create: `{"name":"Acme {n}","externalId":"{n}","sourceId":"src {n}","owner":"{user}","coOwner":"{user}","phase":"Live","status":"customer",
			"description":"Says \"hello\" to 東京","address":"Storgata 1","country":"Norway","city":"Oslo","zip":"0155","phonePrimary":"+47 1","web":"https://{n}.example",
			"tags":["a","b"],"domains":["{n}.example"],"csmScore":4}`,
		Update:  `{"phase":"Renewal","tags":[]}`,
		Derived: []string{"phaseSince", "lastUpdated", "updatedAt"},
	},
	planhat.Enduser: {
		Create: `{"email":"{n}@acme.example","companyId":"{company}","firstName":"Kari","lastName":"Nordmann","externalId":"{n}","sourceId":"src {n}",
			"position":"CFO","phone":"+47 2","tags":["x"],"otherEmails":["{n}@home.example"],"featured":true,"primary":true,"archived":false,
			"npsUnsubscribed":true,"sharedNotificationsPrefs":{"daily":true}}`,
		Unlisted: []string{"sharedNotificationsPrefs"},
		Update:   `{"lastName":"Hansen","companyId":"{company2}"}`,
		Derived:  []string{"name", "companyName", "updatedAt"},
	},
	planhat.Task: {
		Create: `{"mainType":"task","companyId":"{company}","action":"Call","description":"<p>Use the <b>new</b> deck</p>","type":"todo",
			"startTime":"2026-03-01T08:00:00.000Z","endTime":"2026-03-01T09:00:00.000Z","dateDone":"2026-03-02T09:00:00.000Z","repeat":"weekly","repeatDays":7,
			"ownerId":"{user}","status":"in-progress","users":[{"id":"{user}","name":"Fix","isOwner":true}],"endusers":[{"id":"{enduser}","name":"Kari"}],
			"checklist":[{"text":"one","done":false}],"activityTags":["t"],"sourceId":"src {n}","externalId":"{n}","noSpecificTime":false,"shared":true,"isArchived":false}`,
		Update:  `{"description":"<p>Use the old deck</p>"}`,
		Derived: []string{"snippet", "updatedAt"},
	},
	planhat.Issue: {
		Create: `{"title":"Export","description":"Drops a column","companyIds":["{company}"],"enduserIds":["{enduser}"],"conversationIds":["{conversation}"],
			"sourceId":"src {n}","source":"jira","sourceUrl":"https://tracker.example/{n}","priority":"High","status":"open","archived":false,"followers":["{user}"]}`,
		Update:  `{"companyIds":["{company}","{company2}"],"enduserIds":[],"priority":"Low"}`,
		Derived: []string{"companies", "endusers", "updatedAt"},
	},
	planhat.Invoice: {
		Create: `{"currency":"EUR","cId":"{company}","product":"Core","extId":"{n}","sourceId":"src {n}","invoiceDate":20485,"dueDate":20515,"paidDate":20500,
			"amountTotal":1234.56,"status":"pending"}`,
		Update:  `{"amountTotal":1234.5,"status":"paid"}`,
		Derived: []string{"lastUpdated"},
	},
	planhat.Conversation: {
		Create:   conversationSample(`"call"`),
		Absent:   []string{"companyExternalId"}, // in place of companyId: see references_test.go
		Unlisted: []string{"description"},
		Update:   `{"description":"<p>Other words</p>","starred":false}`,
		Derived:  []string{"snippet", "updatedAt"},
	},
	planhat.Note: {
		Create:   conversationSample(`"note"`),
		Absent:   []string{"companyExternalId"},
		Unlisted: []string{"description"},
		Update:   `{"description":"<p>Other words</p>","starred":false}`,
		Derived:  []string{"snippet", "updatedAt"},
	},
	planhat.Churn: {
		Create: `{"companyId":"{company}","value":100,"arr":1000,"currency":"EUR","reasons":["Budget"],"products":["Core"],"description":"Left",
			"comment":{"text":"Well"},"churnDate":"2026-03-01T00:00:00.000Z","onlyDowngrade":true,"snoozed":true,"sourceId":"src {n}"}`,
		Absent:  []string{"isChurn", "churnReason", "externalId"}, // a tenant has these, or the others
		Update:  `{"value":200}`,
		Derived: []string{"arr", "updatedAt"},
	},
	planhat.Asset: {
		Create: `{"name":"Gateway","companyId":"{company}","externalId":"{n}","sourceId":"src {n}","serialNumber":"GW-1","value":900,"_currency":"EUR",
			"installDate":"2026-03-01T00:00:00.000Z","status":"Active","ownerId":"{user}"}`,
		Update:  `{"ownerId":"{user2}"}`,
		Derived: []string{"ownerName", "updatedAt"},
	},
	planhat.Campaign: {
		Create: `{"name":"Push","companyId":"{company}","campaignPurpose":"Adoption","externalId":"{n}","sourceId":"src {n}"}`,
		Update: `{"campaignPurpose":"Winback"}`,
	},
	planhat.NPS: {
		Create: `{"email":"fix@enduser.example","score":9,"cId":"{company}","campaignId":"{campaign}","comment":"Quick","source":"survey","sourceId":"src {n}",
			"dateSent":"2026-03-01T00:00:00.000Z","dateAnswered":"2026-03-02T00:00:00.000Z"}`,
		Update:  `{"email":"fix2@enduser.example","score":0}`,
		Derived: []string{"euId"},
	},
	planhat.Opportunity: {
		Create: `{"companyId":"{company}","title":"Module","salesStage":"Proposal","dealDate":"2026-03-01T00:00:00.000Z","landingDate":"2026-04-01T00:00:00.000Z",
			"closeDate":"2026-05-01T00:00:00.000Z","externalId":"{n}","sourceId":"src {n}","_currency":"EUR","ownerId":"{user}","mrr":10.5,"arr":126,"nrr":1,
			"contractLength":24,"status":"active"}`,
		Update:  `{"salesStage":"Won","status":"won"}`,
		Derived: []string{"stageHistory"},
	},
	planhat.Objective: {
		Create: `{"name":"Cut reporting","companyId":"{company}","health":7.5,"externalId":"{n}","sourceId":"src {n}"}`,
		Update: `{"health":null}`,
	},
	planhat.Project: {
		Create: `{"name":"Rollout","companyId":"{company}","externalId":"{n}","sourceId":"src {n}","currency":"EUR","startDate":"2026-03-01T00:00:00.000Z",
			"endDate":"2026-04-01T00:00:00.000Z","mrr":1,"arr":12,"nrr":5000}`,
		Update:  `{"companyId":"{company2}"}`,
		Derived: []string{"companyName"},
	},
	planhat.Sale: {
		Create: `{"_currency":"EUR","companyId":"{company}","salesDate":"2026-03-01T00:00:00.000Z","value":500,"product":"Onboarding","externalId":"{n}","sourceId":"src {n}"}`,
		Update: `{"value":12.75}`,
	},
	planhat.TimeEntry: {
		Create: `{"date":"2026-03-03T00:00:00.000Z","hours":1.5,"companyId":"{company}","isTimeOff":true,"isBillable":true,"description":"Workshop",
			"billingCode":"ONB","currency":"EUR","billableRate":120,"costRate":60}`,
		Update:  `{"hours":2}`,
		Derived: []string{"totalBilled", "totalCost"},
	},
	planhat.Timesheet: {
		Create: `{"status":"submitted","timeEntries":[{"_id":"{timeentry}"}],"dateFrom":20514,"dateTo":20520,"assignedModel":"User","assignedId":"{user}"}`,
		Stored: `{"timeEntries":["{timeentry}"]}`,
		Update: `{"status":"approved"}`,
		// approvedBy and dateOfApproval are new.
		Derived: []string{"approvedBy", "dateOfApproval", "updatedAt"},
	},
	planhat.License: {
		Create: `{"_currency":"EUR","companyId":"{company}","fromDate":"2026-01-01T00:00:00.000Z","toDate":"2026-12-31T00:00:00.000Z","product":"Core",
			"externalId":"{n}","sourceId":"src {n}","fixedPeriod":true,"value":1200,"mrr":100,"renewalStatus":"ongoing","autoRenews":true,"renewalPeriod":12,
			"renewalUnit":"month","noticePeriod":3,"noticeUnit":"month","invoiceCycle":"yearly"}`,
		Update:  `{"value":2400}`,
		Derived: []string{"mrr", "arr", "renewalMrr", "renewalArr"},
	},
}

func conversationSample(kind string) string {
	return `{"companyId":"{company}","subject":"Kickoff","description":"<p>Said <b>yes</b></p>","type":` + kind + `,"date":"2026-03-01T00:00:00.000Z",
		"outDate":"2026-03-01T01:00:00.000Z","users":[{"id":"{user}","name":"Fix","isOwner":true}],"endusers":[{"id":"{enduser}","name":"Kari"}],
		"externalId":"{n}","activityTags":["t"],"starred":true,"pinned":true,"archived":false}`
}
