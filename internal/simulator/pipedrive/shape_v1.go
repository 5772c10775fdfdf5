package pipedrivesim

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// flatV1 is a record as payload v1 and recents have it: related ids are numbers, custom fields at the root.
func (s *Server) flatV1(o *object, d doc) map[string]any {
	var row map[string]any
	switch o {
	case deals:
		row = s.dealV1(d)
	case organizations:
		row = s.organizationV1(d)
	case persons:
		row = s.personV1(d)
	default:
		row = plainV1Row(o, d)
	}
	for _, f := range s.stores[o].fields.fields {
		if v := d.custom()[f.code]; v != nil {
			fieldTypes[f.kind].v1(f.code, v, row)
		}
	}
	return row
}

// named gives what another record is called.
func (s *Server) named(o *object, id int64, name string) any {
	if r := s.stores[o].byID[id]; r != nil {
		return r.doc[name]
	}
	return nil
}

func (s *Server) owner(d doc) any {
	if u := s.user(d.int("owner_id")); u != nil {
		return u.name
	}
	return nil
}

func labelsV1(d doc) any {
	list, _ := d["label_ids"].([]any)
	if len(list) == 0 {
		return nil
	}
	var texts []string
	for _, item := range list {
		id, _ := item.(int64)
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	return strings.Join(texts, ",")
}

func (s *Server) dealV1(d doc) map[string]any {
	row := map[string]any{}
	for _, name := range []string{"id", "title", "creator_user_id", "person_id", "org_id", "stage_id", "pipeline_id", "value", "currency", "status",
		"probability", "lost_reason", "is_archived", "local_won_date", "local_lost_date", "local_close_date", "expected_close_date", "origin", "origin_id",
		"channel", "channel_id", "acv", "arr", "mrr"} {
		row[name] = d[name]
	}
	for _, name := range []string{"add_time", "update_time", "stage_change_time", "archive_time", "close_time", "won_time", "first_won_time", "lost_time"} {
		row[name] = v1Time(d[name])
	}
	row["user_id"], row["visible_to"], row["label"] = d["owner_id"], strconv.FormatInt(d.int("visible_to"), 10), labelsV1(d)
	row["active"], row["deleted"] = d.text("status") == "open" && !d.flag("is_deleted"), d.flag("is_deleted")
	row["stage_order_nr"] = s.named(stages, d.int("stage_id"), "order_nr")
	row["person_name"], row["org_name"], row["owner_name"] = s.named(persons, d.int("person_id"), "name"), s.named(organizations, d.int("org_id"), "name"), s.owner(d)
	row["org_hidden"], row["person_hidden"], row["rotten_time"] = false, false, nil
	for _, name := range []string{"products", "files", "notes", "followers", "participants", "activities", "done_activities", "undone_activities", "email_messages"} {
		row[name+"_count"] = 0
	}
	row["formatted_value"] = fmt.Sprintf("%v %s", d["value"], d.text("currency"))
	row["weighted_value"], row["weighted_value_currency"] = d["value"], d["currency"]
	for _, name := range []string{"acv", "arr", "mrr"} {
		row[name+"_currency"] = d["currency"]
	}
	row["cc_email"] = fmt.Sprintf("%s+deal%d@pipedrivemail.example", s.domain, d.int("id"))
	return row
}

func (s *Server) organizationV1(d doc) map[string]any {
	row := map[string]any{"company_id": companyID, "owner_name": s.owner(d), "label": labelsV1(d), "cc_email": s.domain + "@pipedrivemail.example", "country_code": nil}
	for _, name := range []string{"id", "name", "owner_id", "label_ids", "picture_id"} {
		row[name] = d[name]
	}
	address, _ := d["address"].(map[string]any)
	row["address"] = address["value"]
	for _, part := range addressParts {
		row["address_"+part] = address[part]
	}
	row["active_flag"], row["visible_to"] = !d.flag("is_deleted"), strconv.FormatInt(d.int("visible_to"), 10)
	row["add_time"], row["update_time"] = v1Time(d["add_time"]), v1Time(d["update_time"])
	row["first_char"] = firstChar(d.text("name"))
	for _, name := range []string{"people", "open_deals", "closed_deals", "won_deals", "lost_deals", "notes", "files"} {
		row[name+"_count"] = 0
	}
	return row
}

func firstChar(name string) string {
	for _, r := range strings.ToLower(name) {
		return string(r)
	}
	return ""
}

func (s *Server) personV1(d doc) map[string]any {
	row := map[string]any{"company_id": companyID, "owner_name": s.owner(d), "label": labelsV1(d), "org_name": s.named(organizations, d.int("org_id"), "name")}
	for _, name := range []string{"id", "name", "first_name", "last_name", "owner_id", "org_id", "label_ids", "picture_id"} {
		row[name] = d[name]
	}
	row["email"], row["phone"] = d["emails"], d["phones"]
	row["primary_email"] = nil
	if mails := contactTexts(d, "emails"); len(mails) > 0 {
		row["primary_email"] = mails[0]
	}
	row["active_flag"], row["visible_to"] = !d.flag("is_deleted"), strconv.FormatInt(d.int("visible_to"), 10)
	row["add_time"], row["update_time"] = v1Time(d["add_time"]), v1Time(d["update_time"])
	row["first_char"] = firstChar(d.text("name"))
	return row
}

// plainV1Row is a note, a pipeline or a stage.
func plainV1Row(o *object, d doc) map[string]any {
	row := map[string]any{}
	if o == pipelines || o == stages {
		row = oldNames(o, d)
	} else {
		for _, name := range o.payload {
			row[name] = d[name]
		}
		delete(row, "project_id")
	}
	row["add_time"], row["update_time"] = v1Time(d["add_time"]), v1Time(d["update_time"])
	return row
}

// oldNames are pipelines and stages under their v1 names, as payload v2 has them as well.
func oldNames(o *object, d doc) map[string]any {
	row := map[string]any{"active_flag": !d.flag("is_deleted")}
	for _, name := range []string{"id", "name", "order_nr", "add_time", "update_time"} {
		row[name] = d[name]
	}
	if o == pipelines {
		row["url_title"], row["deal_probability"] = strings.ReplaceAll(d.text("name"), " ", "-"), d["is_deal_probability_enabled"]
		return row
	}
	row["pipeline_id"], row["deal_probability"] = d["pipeline_id"], d["deal_probability"]
	row["rotten_flag"], row["rotten_days"] = d["is_deal_rot_enabled"], d["days_to_rotten"]
	return row
}

// nestedV1 is a record as REST v1 answers it: related ids are objects.
func (s *Server) nestedV1(o *object, d doc) map[string]any {
	row := s.flatV1(o, d)
	for name, id := range maps.Clone(row) {
		n, _ := id.(int64)
		switch {
		case n == 0:
		case name == "user_id" || name == "creator_user_id" || name == "owner_id":
			row[name] = s.userV1(n)
		case name == "org_id" && s.stores[organizations].byID[n] != nil:
			org := s.stores[organizations].byID[n].doc
			row[name] = map[string]any{"name": org["name"], "people_count": 0, "owner_id": org["owner_id"], "address": s.organizationV1(org)["address"],
				"active_flag": !org.flag("is_deleted"), "cc_email": s.domain + "@pipedrivemail.example", "label_ids": org["label_ids"], "owner_name": s.owner(org), "value": n}
		case name == "person_id" && s.stores[persons].byID[n] != nil:
			person := s.stores[persons].byID[n].doc
			row[name] = map[string]any{"active_flag": !person.flag("is_deleted"), "name": person["name"], "email": person["emails"], "phone": person["phones"], "owner_id": person["owner_id"], "value": n}
		}
	}
	return row
}

func (s *Server) userV1(id int64) any {
	u := s.user(id)
	if u == nil {
		return id
	}
	return map[string]any{"id": id, "name": u.name, "email": u.email, "has_pic": 0, "pic_hash": nil, "active_flag": u.active, "value": id}
}
