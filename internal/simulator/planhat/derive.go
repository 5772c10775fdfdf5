package planhatsim

import (
	"bytes"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// What the vendor computes from what it is sent. Derivations run on every create and update, after the
// fields are merged and before anything is compared or stored; those of one model are beside its row.

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

// copyCompanyName copies the company's name when the record comes to it; renames do not follow by themselves.
func copyCompanyName(tx *Tx, m *model, doc *document, before document) {
	if m.companyName == "" || before != nil && bytes.Equal(before.get(m.company), doc.get(m.company)) && doc.get(m.companyName) != nil {
		return
	}
	if company := tx.s.store(companyModel).byID[doc.text(m.company)]; company != nil {
		doc.set(m.companyName, splitObject(company.body).get("name"))
	}
}

// userName gives a member of staff's nickname as JSON text.
func userName(tx *Tx, id string) []byte {
	if user := tx.s.store(userModel).byID[id]; user != nil {
		if name := memberOf(user.body, "nickName"); name != nil {
			return name
		}
	}
	return []byte(`""`)
}

// deriveSnippet keeps the plain text of a description.
func deriveSnippet(doc *document, before document) {
	if description, ok := textOf(doc.get("description")); ok && differs(before, *doc, "description") {
		setIfNew(doc, "snippet", quoted(plainText(description)))
	}
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

func floatOf(raw []byte) float64 {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return 0
	}
	return f
}

func number(f float64) []byte { return strconv.AppendFloat(nil, f, 'f', -1, 64) }
