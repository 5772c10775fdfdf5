package planhatsim

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// seeder makes the tenant's records as if they had been there for years: ids ascend with their creation,
// change stamps lie between then and now, and many are equal, as after an import.
type seeder struct {
	tx       *Tx
	now      time.Time
	imported time.Time // moment of an import that touched many records
	step     time.Duration
	born     time.Time // creation of the record being made
	users    []string
	made     map[*model]int
}

func (s *Server) seed(o Options) {
	var machine [8]byte
	binary.BigEndian.PutUint64(machine[:], s.rng.Uint64())
	copy(s.ids.machine[:], machine[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UTC().Truncate(time.Millisecond)
	companies := max(0, cmp.Or(o.Companies, 20))
	endusers := max(0, cmp.Or(o.EndusersPerCompany, 3))
	conversations := max(0, cmp.Or(o.ConversationsPerCompany, 3))
	licenses := max(0, cmp.Or(o.LicensesPerCompany, 1))
	fields := seededFields
	total := companies*(1+endusers+conversations+licenses) + seededUsers
	if !o.CoreOnly {
		fields = slices.Concat(fields, otherFields)
		total += seedingTotal(companies)
	}
	total += len(fields)
	const history = 2 * 365 * 24 * time.Hour
	g := &seeder{
		tx: s.begin("seed", 0), now: now, imported: now.Add(-40 * 24 * time.Hour), made: map[*model]int{},
		step: history / time.Duration(total+1), born: now.Add(-history),
	}
	g.seedUsers()
	g.seedFields(fields)
	previous := ""
	for i := range companies {
		id, first := g.company(i), ""
		for j := range endusers {
			enduser := g.enduser(i, j, id)
			first = cmp.Or(first, enduser)
		}
		for j := range conversations {
			g.conversation(i, j, id)
		}
		for j := range licenses {
			g.license(i, j, id)
		}
		if !o.CoreOnly {
			g.others(i, id, previous, first)
		}
		previous = id
	}
}

// next moves on to the next record's creation and gives its id.
func (g *seeder) next() string {
	g.born = g.born.Add(g.step).Truncate(time.Millisecond)
	return g.tx.s.ids.next(g.born)
}

// edited is a change stamp: a third of all were touched by the import, or by creation only.
func (g *seeder) edited() string {
	switch g.tx.s.rng.IntN(6) {
	case 0, 1:
		if g.imported.After(g.born) {
			return stamp(g.imported)
		}
		return stamp(g.born)
	case 2:
		return stamp(g.born)
	}
	return stamp(g.born.Add(time.Duration(g.tx.s.rng.Int64N(int64(g.now.Sub(g.born)) + 1))))
}

// add stores one record; odd values replace or join those of the template.
func (g *seeder) add(m *model, text string) {
	doc := splitObject([]byte(strings.ReplaceAll(text, "\n", ""))) // templates are compact but for their line breaks
	n := g.made[m]
	g.made[m]++
	if odd := oddities[m]; len(odd) > 0 && (n%50 < len(odd) && n < 50 || n%50 == 7) {
		g.twist(m, &doc, odd[n%len(odd)], n)
	}
	r := g.tx.s.store(m).put(doc)
	g.tx.log(m, r, "create", "created", nil)
}

// twist lays an oddity over a seeded document; null drops a name where the oddity says so by "-".
func (g *seeder) twist(m *model, doc *document, odd string, n int) {
	over, err := parseObject([]byte(odd))
	if err != nil {
		panic("planhatsim: oddity of " + m.listing + ": " + err.Error())
	}
	for _, f := range over {
		switch {
		case string(f.val) == `"-"`:
			doc.remove(f.name)
		case f.name == "custom":
			custom := splitObject(doc.get("custom")).clone()
			for _, c := range splitObject(f.val) {
				if custom.index(c.name) < 0 {
					custom = append(custom, c)
				}
			}
			doc.set("custom", custom.appendTo(nil, nil))
		default:
			doc.set(f.name, f.val)
		}
	}
	if external := over.text("externalId"); external != "" {
		doc.setText("externalId", fmt.Sprintf("%s-%d", external, n)) // unique in its company
	}
}

func (g *seeder) company(i int) string {
	id := g.next()
	born, edited := stamp(g.born), g.edited()
	name := companyNames[i%len(companyNames)]
	if i >= len(companyNames) {
		name += " " + strconv.Itoa(i)
	}
	owner := "null"
	if len(g.users) > 0 {
		owner = `"` + g.users[i%len(g.users)] + `"`
	}
	mrr := 100 * (1 + i%90)
	g.add(companyModel, fmt.Sprintf(`{"_id":%q,"name":%q,"externalId":"acct-%d","sourceId":"001Ab%09d","owner":%s,"coOwner":null,
"phase":%q,"status":"customer","description":"Customer no. %d","city":"Bergen","country":"Norway","web":"https://c%d.example",
"domains":["c%d.example"],"tags":["Enterprise","Nordics"],"products":["Core"],"h":%d,"csmScore":%d,"mr":%d,"mrTotal":%d,"mrr":%d,"mrrTotal":%d,"arr":%d,
"nrr30":0,"nrrTotal":0,"renewalDate":"2027-01-31T00:00:00.000Z","renewalDaysFromNow":%d,"autoRenews":true,"customerFrom":%q,"customerTo":null,
"lastRenewal":null,"lastActive":%q,"lastTouch":%q,"lastTouchType":"note","alerts":[],"orgRootId":%q,"orgPath":",%s,","orgLevel":0,"orgUnits":0,
"headId":null,"licenses":[],"slug":"c%d","followers":[],"shareable":{"enabled":false,"euIds":[]},
"custom":{"Customer Tier":"Enterprise","Seats":%d,"Days in Phase":%d,"Reference ok?":true,"Go-live date":"2026-04-15T00:00:00.000Z","Modules":["Forecast","Dispatch"]},
"createDate":%q,"createdAt":%q,"lastUpdated":%q,"updatedAt":%q,"__v":0}`,
		id, name, 1001+i, i, owner, phases[i%len(phases)], i, i, i, i%11, 1+i%5, mrr, mrr, mrr, mrr, mrr*12,
		renewalDays(g.now), born, edited, edited, id, id, i, 10+i%500, i%90, born, born, edited, edited))
	return id
}

func renewalDays(now time.Time) int {
	return int(time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC).Sub(now).Hours() / 24)
}

func (g *seeder) enduser(i, j int, company string) string {
	id := g.next()
	born, edited := stamp(g.born), g.edited()
	first, last := firstNames[(i+j)%len(firstNames)], fmt.Sprintf("Example %d-%d", i, j)
	archived := (i*7+j)%12 == 11
	g.add(enduserModel, fmt.Sprintf(`{"_id":%q,"email":"user%d.%d@c%d.example","firstName":%q,"lastName":%q,"name":%q,"companyId":%q,"companyName":%s,
"externalId":%q,"position":"Head of Operations","phone":"+47 55 %02d","tags":["Main User"],"otherEmails":[],"featured":%t,"primary":false,
"archived":%t,"npsUnsubscribed":false,"beats":%d,"beatsTotal":%d,"beatTrend":0.2,"convs14":1,"convsTotal":6,"experience":41,"lastActive":%q,
"lastTouch":null,"nps":9,"lastActivities":[],"relatedEndusers":[],"custom":{"Department":"Operations","Badge":%d},
"createDate":%q,"createdAt":%q,"updatedAt":%q,"__v":0}`,
		id, i, j, i, first, last, first+" "+last, company, g.companyName(company), externalID("user", i, j), i%100, j == 0, archived, i%20, i%400, edited, i*10+j, born, born, edited))
	return id
}

// externalID is unique per company only: every tenth company's first record shares one.
func externalID(prefix string, i, j int) string {
	if i%10 == 1 && j == 0 {
		return prefix + "-shared"
	}
	return fmt.Sprintf("%s-%d-%d", prefix, i, j)
}

func (g *seeder) companyName(id string) []byte {
	return memberOf(g.tx.s.store(companyModel).byID[id].body, "name")
}

var conversationKinds = []string{"note", "note", "email", "Meeting", "note", "call", "ticket", "note", "chat", "QBR"}

func (g *seeder) conversation(i, j int, company string) {
	id := g.next()
	born, edited := stamp(g.born), g.edited()
	kind := conversationKinds[(i*3+j)%len(conversationKinds)]
	user := ""
	if len(g.users) > 0 {
		user = g.users[(i+j)%len(g.users)]
	}
	ticket := ""
	if kind == ticketKind {
		ticket = fmt.Sprintf(`,"externalId":"desk-%d-%d","subType":"ticket","source":"helpdesk","email":"user%d.0@c%d.example","status":"open","url":"https://desk.example/%d-%d",
"history":[{"status":"open","time":%q}],"inDate":%q,"days":%d,"updateDate":%q`, i, j, i, i, i, j, born, born, epochDay(g.born), edited)
	}
	g.add(conversationModel, fmt.Sprintf(`{"_id":%q,"type":%q,"subject":"Recap %d.%d","snippet":"Agreed the rollout plan & costs.","date":%q,"companyId":%q,
"companyName":%s,"users":[{"id":%q,"name":"Sam","isOwner":true}],"userIds":[%q],"endusers":[],"assigneeName":"","activityTags":[],"tags":[],
"hasAttachments":false,"hasMore":false,"isCustomType":%t,"isSeen":false,"starred":false,"pinned":false,"archived":false,"custom":{},
"createDate":%q,"createdAt":%q,"updatedAt":%q,"description":"<p>Agreed the <b>rollout</b> plan &amp; costs.</p>","timeBucket":["2026","2026-Q1"],
"waitsToBeFiltered":true,"isOpen":%t,"__v":0%s}`,
		id, kind, i, j, born, company, g.companyName(company), user, user, kind != "note" && !reservedTypes[kind], born, born, edited, kind == ticketKind, ticket))
}

func (g *seeder) license(i, j int, company string) {
	id := g.next()
	mrr := 100 * (1 + i%90)
	g.add(licenseModel, fmt.Sprintf(`{"_id":%q,"product":"Core subscription","_currency":"EUR","companyId":%q,"companyName":%s,"externalId":%q,"sourceId":null,
"fromDate":"2026-02-01T00:00:00.000Z","toDate":"2027-01-31T00:00:00.000Z","fixedPeriod":true,"toDateIncluded":true,"value":%d,"mrr":%d,"arr":%d,"length":12,
"renewalStatus":"ongoing","autoRenews":true,"renewalPeriod":12,"renewalUnit":"month","renewalDate":"2027-01-31T00:00:00.000Z","renewalDaysFromNow":%d,
"renewalMrr":%d,"renewalArr":%d,"noticePeriod":30,"noticeUnit":"day","isOverdue":false,"invoiceCycle":"monthly","invoiceCycleInterval":0,
"invoiceMuted":false,"invoicesGenerated":false,"custom":{"Seats":%d},"__v":0}`,
		id, company, g.companyName(company), externalID("lic", i, j), mrr*12, mrr, mrr*12, renewalDays(g.now), mrr, mrr*12, 10+i%500))
}

const seededUsers = 5

func (g *seeder) seedUsers() {
	for i := range seededUsers {
		id := g.next()
		born, edited := stamp(g.born), g.edited()
		g.users = append(g.users, id)
		g.add(userModel, fmt.Sprintf(`{"_id":%q,"email":"staff%d@vendor.example","nickName":%q,"firstName":%q,"lastName":"Vendor","roles":["66f0a1b2c3d4e5f600000111"],
"externalId":"emp-%d","inactive":false,"isHidden":false,"notificationsEnabled":true,"image":{"path":""},"managers":[],"teams":[],"permissions":[],
"customerCount":%d,"payingCustomerCount":%d,"arr":%d,"mrr":%d,"arrAvg":48000.5,"healthAvg":6.25,"lastTouch7":%d,"lastTouch30":9,"lastActive7":4,
"nrOpenTasks":3,"nrOverDueTasks":1,"nrTasksDue7Days":2,"nrTasksDue30Days":5,"revenueShare":0.2,"defaultMeetingLength":60,"custom":{"Region":"EMEA"},"createDate":%q,"createdAt":%q,"updatedAt":%q,"__v":0}`,
			id, i, firstNames[i], firstNames[i], i, i*3, i*2, 48000*i, 4000*i, i, born, born, edited))
	}
}

func (g *seeder) seedFields(fields []seededField) {
	for _, f := range fields {
		g.add(customFieldModel, fmt.Sprintf(`{"_id":%q,"name":%s,"type":%q,"parent":%q,"isFeatured":false,"isHidden":false,"isShared":false,"isLocked":false,
"isMandatory":false,"isFormula":%t,"treatUndefinedAsZero":false,"formula":"","listValues":[],"filter":[],"formulaRefs":[],"numberFormat":null}`,
			g.next(), quoted(f.name), f.kind, f.parent, f.name == formulaField))
	}
}
