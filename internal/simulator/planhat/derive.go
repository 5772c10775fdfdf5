package planhatsim

import (
	"bytes"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What the vendor computes from what it is sent. Derivations run on every create and update, after the
// fields are merged and before anything is compared or stored.

func admitCompany(tx *Tx, fields *document, _ bool) *refusal {
	if name := fields.text("name"); name != "" && tx.sw.NameCase == "capitalise" {
		first, size := utf8.DecodeRuneInString(name)
		fields.setText("name", string(unicode.ToUpper(first))+name[size:])
	}
	return nil
}

func deriveCompany(tx *Tx, doc *document, before document) {
	if !doc.has("slug") {
		doc.setText("slug", slug(doc.text("name")))
	}
	if doc.has("phase") && differs(before, *doc, "phase") {
		doc.setText("phaseSince", stamp(tx.at))
	}
	if id := doc.text("_id"); !doc.has("orgPath") {
		doc.setText("orgRootId", id)
		doc.setText("orgPath", ","+id+",")
	}
}

func slug(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// admitEnduser finds the company by the domain of the e-mail where none is named.
func admitEnduser(tx *Tx, fields *document, create bool) *refusal {
	if !create || fields.has("companyId") {
		return nil
	}
	_, domain, _ := strings.Cut(fields.text("email"), "@")
	if id := tx.s.store(companyModel).domains[strings.ToLower(domain)]; domain != "" && id != "" {
		fields.setText("companyId", id)
	}
	return nil
}

func deriveEnduser(tx *Tx, doc *document, before document) {
	if differs(before, *doc, "firstName", "lastName") {
		setIfNew(doc, "name", quoted(strings.TrimSpace(doc.text("firstName")+" "+doc.text("lastName"))))
	}
	setCompanyName(tx, doc, before)
}

// differs tells whether an update changed one of the names; a create changes all.
func differs(before, after document, names ...string) bool {
	for _, name := range names {
		if before == nil || !bytes.Equal(before.get(name), after.get(name)) {
			return true
		}
	}
	return false
}

// setIfNew keeps the stored text where it already says the same.
func setIfNew(doc *document, name string, val []byte) {
	if old := doc.get(name); old == nil || !sameJSON(old, val) {
		doc.set(name, val)
	}
}

// setCompanyName copies the company's name when the record comes to it; renames do not follow by themselves.
func setCompanyName(tx *Tx, doc *document, before document) {
	if before != nil && bytes.Equal(before.get("companyId"), doc.get("companyId")) && doc.get("companyName") != nil {
		return
	}
	if company := tx.s.store(companyModel).byID[doc.text("companyId")]; company != nil {
		doc.set("companyName", splitObject(company.body).get("name"))
	}
}

// Types of conversations that this tenant has; any other becomes a note.
var (
	reservedTypes = names("email chat ticket call")
	customTypes   = []string{"Meeting", "QBR"}
)

func admitConversation(tx *Tx, fields *document, create bool) *refusal {
	kind := fields.text("type")
	switch {
	case !fields.has("type"):
		fields.remove("type")
	case kind == "note" || kind == customTypes[0] || kind == customTypes[1]:
	case !reservedTypes[kind]:
		fields.setText("type", "note")
	case tx.sw.ReservedType == "reject" && create && tx.via == "api":
		return &refusal{status: 400, validation: true, message: "type " + kind + " is reserved"}
	case tx.sw.ReservedType == "note" && create && tx.via == "api":
		fields.setText("type", "note")
	}
	return nil
}

func deriveConversation(tx *Tx, doc *document, before document) {
	if description, ok := textOf(doc.get("description")); ok && differs(before, *doc, "description") {
		setIfNew(doc, "snippet", quoted(plainText(description)))
	}
	if before == nil && !doc.has("date") {
		doc.setText("date", stamp(tx.at))
	}
	if kind := doc.text("type"); differs(before, *doc, "type") {
		setIfNew(doc, "isCustomType", strconv.AppendBool(nil, kind != "note" && !reservedTypes[kind]))
	}
	if doc.has("users") && differs(before, *doc, "users") {
		setIfNew(doc, "userIds", userIDs(doc.get("users")))
	}
	setCompanyName(tx, doc, before)
}

func userIDs(users []byte) []byte {
	out := []byte{'['}
	for _, item := range splitArray(users) {
		if len(item) == 0 || item[0] != '{' {
			continue
		}
		if id := splitObject(item).get("id"); id != nil {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, id...)
		}
	}
	return append(out, ']')
}

var (
	tagPattern   = regexp.MustCompile(`<[^>]*>`)
	spacePattern = regexp.MustCompile(`\s+`)
)

// plainText takes the markup out of a description.
func plainText(markup string) string {
	text := html.UnescapeString(tagPattern.ReplaceAllString(markup, " "))
	return strings.TrimSpace(spacePattern.ReplaceAllString(text, " "))
}

func deriveLicense(tx *Tx, doc *document, before document) {
	setCompanyName(tx, doc, before)
	if !differs(before, *doc, "fromDate", "toDate", "fixedPeriod", "value", "mrr") {
		return
	}
	if !doc.has("fixedPeriod") {
		doc.set("fixedPeriod", strconv.AppendBool(nil, doc.has("value") && doc.has("toDate")))
	}
	from, _ := time.Parse(stampLayout, doc.text("fromDate"))
	to, err := time.Parse(stampLayout, doc.text("toDate"))
	months := 0.0
	if err == nil {
		to = to.AddDate(0, 0, 1) // the last day counts
		months = max(1, float64((to.Year()-from.Year())*12)+float64(to.Month()-from.Month()))
		setIfNew(doc, "length", number(months))
		setIfNew(doc, "renewalDate", doc.get("toDate"))
		setRenewalDays(doc, tx.s.derivedNow(tx.at))
	} else {
		setIfNew(doc, "renewalDate", []byte("null"))
		setIfNew(doc, "renewalDaysFromNow", []byte("null"))
	}
	deriveMoney(doc, before, months)
}

// deriveMoney fills in the monthly and yearly values; an mrr that was sent keeps its text.
func deriveMoney(doc *document, before document, months float64) {
	outdated := before != nil && bytes.Equal(before.get("mrr"), doc.get("mrr")) && !bytes.Equal(before.get("value"), doc.get("value"))
	if (outdated || !doc.has("mrr")) && doc.has("value") && months > 0 {
		doc.set("mrr", number(floatOf(doc.get("value"))/months))
	}
	mrr := floatOf(doc.get("mrr"))
	setIfNew(doc, "arr", number(mrr*12))
	setIfNew(doc, "renewalMrr", number(mrr))
	setIfNew(doc, "renewalArr", number(mrr*12))
}

func setRenewalDays(doc *document, now time.Time) {
	at, err := time.Parse(stampLayout, doc.text("renewalDate"))
	if err != nil {
		return
	}
	days := at.Sub(now).Hours() / 24
	setIfNew(doc, "renewalDaysFromNow", strconv.AppendInt(nil, int64(days), 10))
}

func floatOf(raw []byte) float64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0
	}
	return f
}

func number(f float64) []byte { return strconv.AppendFloat(nil, f, 'f', -1, 64) }
