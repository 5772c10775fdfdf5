package pipedrivesim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// gone is the answer of v1 calls that are out of support, where they do not answer any more.
func (c *call) gone() *answer {
	if c.sw.DeprecatedV1 == "answers" {
		return nil
	}
	a := failure(http.StatusGone, "This endpoint is no longer available.", info)
	return &a
}

func legacyGet(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		if gone := c.gone(); gone != nil {
			return *gone
		}
		r := s.find(c, o)
		if r == nil {
			return c.missing()
		}
		out := map[string]any{"success": true, "data": s.nestedV1(o, r.doc)}
		if o == deals {
			out["additional_data"] = map[string]any{"dropbox_email": s.dealV1(r.doc)["cc_email"]}
			if p := s.stores[pipelines].byID[r.doc.int("pipeline_id")]; p != nil {
				row := plainV1Row(pipelines, p.doc)
				row["active"] = row["active_flag"]
				delete(row, "active_flag")
				out["related_objects"] = map[string]any{"pipeline": map[string]any{strconv.FormatInt(p.id, 10): row}}
			}
		}
		return ok(out)
	}
}

func legacyList(o *object) func(*Server, *call) answer {
	return func(s *Server, c *call) answer {
		if gone := c.gone(); gone != nil {
			return *gone
		}
		var rows []any
		for _, r := range s.stores[o].sortedBy("id") {
			if !r.deleted() && !r.doc.flag("is_archived") && c.user.sees(r.doc) {
				rows = append(rows, s.nestedV1(o, r.doc))
			}
		}
		return c.pageV1(rows, nil)
	}
}

// listRecents answers what changed within the last month, oldest first.
func listRecents(s *Server, c *call) answer {
	text := c.URL.Query().Get("since_timestamp")
	since, err := time.Parse(v1Layout, text)
	if err != nil {
		return badV1("since_timestamp must be given as YYYY-MM-DD HH:MM:SS")
	}
	oldest := s.now().AddDate(0, -1, 0)
	from := stamp(since)
	if since.Before(oldest) {
		from = stamp(oldest)
	}
	var items []string
	if text := c.URL.Query().Get("items"); text != "" {
		items = strings.Split(text, ",")
	}
	var found []*record
	for _, o := range []*object{pipelines, stages, organizations, persons, deals, notes} {
		if items != nil && !slices.Contains(items, o.name) {
			continue
		}
		for _, r := range s.stores[o].byID {
			if r.doc.text("update_time") >= from && c.user.sees(r.doc) {
				found = append(found, r)
			}
		}
	}
	slices.SortFunc(found, func(a, b *record) int {
		return strings.Compare(a.doc.text("update_time")+a.object.name+strconv.FormatInt(a.id, 10), b.doc.text("update_time")+b.object.name+strconv.FormatInt(b.id, 10))
	})
	var rows []any
	last := text
	for _, r := range found {
		rows = append(rows, map[string]any{"item": r.object.name, "id": r.id, "data": s.flatV1(r.object, r.doc)})
		last, _ = v1Time(r.doc["update_time"]).(string)
	}
	return c.pageV1(rows, map[string]any{"since_timestamp": text, "last_timestamp_on_page": last})
}

// listParticipants answers the persons of a deal, the primary one first.
func listParticipants(s *Server, c *call) answer {
	deal := s.find(c, deals)
	if deal == nil {
		return c.missing()
	}
	var rows []any
	for i, id := range participants(deal.doc) {
		if person := s.stores[persons].byID[id]; person != nil {
			rows = append(rows, map[string]any{"id": i + 1, "person_id": s.nestedV1(persons, person.doc), "active_flag": !person.deleted(), "primary_flag": id == deal.doc.int("person_id")})
		}
	}
	return c.pageV1(rows, nil)
}

// addParticipant puts a person on a deal; the deal itself does not change by it.
func addParticipant(s *Server, c *call) answer {
	v, err := parseValue(c.body)
	body, _ := v.(map[string]any)
	id, isID := body["person_id"].(int64)
	deal := s.find(c, deals)
	switch {
	case deal == nil || deal.deleted():
		return c.missing()
	case err != nil || !isID || s.stores[persons].get(id) == nil:
		return badV1("person_id must be the id of a person")
	}
	d := maps.Clone(deal.doc)
	others, _ := d["participants"].([]any)
	d["participants"] = append(slices.Clone(others), id)
	s.stores[deals].put(d)
	return one(map[string]any{"id": len(others) + 1, "person_id": id, "deal_id": deal.id})
}
