package planhatsim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Mutate runs fn with the tenant locked, at one moment: all that it writes has the same stamp. It is how
// tests edit what users of the vendor would; the journal says "life". fn must not call the Server.
func (s *Server) Mutate(fn func(*Tx)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.begin("life", 0))
}

// At changes the moment of the transaction: stamps of what follows.
func (tx *Tx) At(t time.Time) { tx.at = t.UTC().Truncate(time.Millisecond) }

// Create makes a record from a JSON object, as POST does, and gives its _id.
func (tx *Tx) Create(listing, fields string) (string, error) {
	m, doc, err := tx.parse(listing, fields)
	if err != nil {
		return "", err
	}
	r, refusal := tx.create(m, "", doc)
	if refusal != nil {
		return "", fmt.Errorf("create in %s: %s", listing, refusal.message)
	}
	return r.id, nil
}

// Update merges a JSON object into a record, as PUT does; ref is an _id, extid- or srcid-.
func (tx *Tx) Update(listing, ref, fields string) error {
	m, doc, err := tx.parse(listing, fields)
	if err != nil {
		return err
	}
	r := tx.lookup(m, ref)
	if r == nil {
		return fmt.Errorf("update %s in %s: no such record", ref, listing)
	}
	if _, refusal := tx.update(m, r, doc); refusal != nil {
		return fmt.Errorf("update %s in %s: %s", ref, listing, refusal.message)
	}
	return nil
}

// Delete removes a record; ref is an _id, extid- or srcid-.
func (tx *Tx) Delete(listing, ref string) error {
	m, _, err := tx.parse(listing, "{}")
	if err != nil {
		return err
	}
	r := tx.lookup(m, ref)
	if r == nil {
		return fmt.Errorf("delete %s in %s: no such record", ref, listing)
	}
	tx.remove(m, r)
	return nil
}

// Put stores a whole document as it is, past every rule: for values that no write of the API can make.
// It needs an _id.
func (tx *Tx) Put(listing, document string) error {
	m, doc, err := tx.parse(listing, document)
	if err != nil {
		return err
	}
	id := doc.text("_id")
	if id == "" {
		return fmt.Errorf("put in %s: %w", listing, errors.New("the document has no _id"))
	}
	old := tx.s.store(m).byID[id]
	op, effect, kind := "create", "created", doc.text("type")
	if old != nil {
		op, effect, kind = "update", "updated", old.kind
	}
	tx.logAs(m, tx.s.store(m).put(doc), kind, op, effect, doc)
	return nil
}

// Get gives a record as GET does; nil if there is none.
func (tx *Tx) Get(listing, ref string) []byte {
	m := modelByName[listing]
	if m == nil {
		return nil
	}
	if r := tx.lookup(m, ref); r != nil {
		return slices.Clone(tx.got(m, r))
	}
	return nil
}

// IDs lists a listing's records, archived too, ascending.
func (tx *Tx) IDs(listing string) []string {
	m := modelByName[listing]
	if m == nil {
		return nil
	}
	var ids []string
	for _, e := range tx.s.store(m).view("_id").entries {
		if m.holds(tx.sw, e.rec) {
			ids = append(ids, e.rec.id)
		}
	}
	return ids
}

func (tx *Tx) parse(listing, fields string) (*model, document, error) {
	m := modelByName[listing]
	if m == nil {
		return nil, nil, fmt.Errorf("no listing %q", listing)
	}
	doc, err := parseObject([]byte(fields))
	if err != nil {
		return nil, nil, fmt.Errorf("read document for %s: %w", listing, err)
	}
	return m, doc, nil
}

// State gives the rows of a listing: all records, archived too, _id ascending, as a JSON array; nil for
// a listing that does not exist.
func (s *Server) State(name string) []byte {
	m := modelByName[name]
	if m == nil && name != "leancompanies" {
		return nil
	}
	s.mu.Lock()
	tx := s.begin("api", 0)
	source := m
	if m == nil {
		source = companyModel
	}
	body := []byte{'['}
	for _, e := range s.store(source).view("_id").entries {
		switch {
		case m == nil:
			body = leanRow(comma(body), e.rec)
		case m.holds(tx.sw, e.rec):
			body = tx.row(comma(body), m, e.rec, nil)
		}
	}
	s.mu.Unlock()
	return append(body, ']')
}

// Journal gives the entries after a sequence number, oldest first, and the last number.
func (s *Server) Journal(after int64) (entries []Entry, last int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last = int64(len(s.journal))
	return slices.Clone(s.journal[min(max(after, 0), last):]), last
}

// Calls gives the last calls in the order of their answers, and the number of calls by method and path template.
func (s *Server) Calls() ([]Call, map[string]int64) { return s.calls.Snapshot() }

// Derive moves the clock of computed fields by days: renewalDaysFromNow of licenses and companies, the
// formula field of companies, and the portfolio numbers of users. No stamp moves, unless a switch says so; nothing is journalled.
func (s *Server) Derive(days int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.derivedDays += days
	tx := s.begin("life", 0)
	for _, m := range []*model{companyModel, licenseModel, userModel} {
		for _, e := range s.store(m).view("_id").entries {
			doc := splitObject(e.rec.body).clone()
			setRenewalDays(&doc, s.derivedNow(tx.at))
			addDays(&doc, days)
			addRollups(m, &doc, days)
			if sameDocument(splitObject(e.rec.body), doc) {
				continue
			}
			if tx.sw.DerivedStamps == "bump" {
				tx.bump(m, &doc)
			}
			s.store(m).put(doc)
		}
	}
}

// formulaField is a custom field that the vendor computes.
const formulaField = "Days in Phase"

func addRollups(m *model, doc *document, days int) {
	for _, name := range m.rollups {
		if doc.has(name) {
			doc.set(name, number(floatOf(doc.get(name))+float64(days)))
		}
	}
}

func addDays(doc *document, days int) {
	raw := doc.get("custom")
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	custom := splitObject(raw).clone()
	old, err := strconv.Atoi(string(custom.get(formulaField)))
	if err != nil {
		return
	}
	custom.set(formulaField, strconv.AppendInt(nil, int64(old+days), 10))
	doc.set("custom", custom.appendTo(nil, nil))
}
