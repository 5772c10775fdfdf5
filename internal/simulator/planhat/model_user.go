package planhatsim

// rollups are the numbers of a user's portfolio: they move by themselves, every day.
var rollups = []string{
	"arr", "mrr", "customerCount", "payingCustomerCount", "lastTouch7", "lastTouch30", "lastTouch90", "lastActive7", "lastActive30", "lastActive90",
	"nrOpenTasks", "nrOverDueTasks", "nrTasksDue7Days", "nrTasksDue14Days", "nrTasksDue30Days", "nrTasksDue90Days",
}

var userModel = &model{
	object: "user", listing: "users", path: "/users", verbs: "CUGLDB",
	pageDefault: 10000, pageMax: 10000,
	keys: []string{"externalId", "email"}, globalExternalID: true,
	required: [][]string{{"email"}, {"nickName"}, {"firstName"}, {"lastName"}},
	writable: columns{
		kindText:   "email nickName firstName lastName externalId",
		kindIDs:    "roles managers teams",
		kindBool:   "inactive isHidden notificationsEnabled isExposedAsSenderOption",
		kindNumber: "tzOffset",
	}.table(),
	readOnly: names(`image radarOneLine taskFilter companyFilter compressedView permissions arr mrr arrAvg mrrAvg npsAvg healthAvg
		healthAvgRound customerCount payingCustomerCount lastTouch7 lastTouch30 lastTouch90 lastActive7 lastActive30 lastActive90
		nrOpenTasks nrOverDueTasks nrTasksDue7Days nrTasksDue14Days nrTasksDue30Days nrTasksDue90Days revenueShare defaultCurrencyId
		defaultMeetingLength removed poc googleApi msApi googleCalendarApi recentOpenTabs createDate createdAt updatedAt createAt __v`),
	createStamps: []string{"createDate", "createdAt"},
	updateStamps: []string{"updatedAt"},
	detail:       names("__v"),
	defaults: `{"roles":[],"inactive":true,"isHidden":false,"notificationsEnabled":true,"isExposedAsSenderOption":false,"image":{"path":""},` +
		`"managers":[],"teams":[],"permissions":[],"defaultMeetingLength":60,"customerCount":0,"nrOpenTasks":0}`,
	filters: map[string]filter{"email": byEmail},
	rollups: rollups,
}
