package pipedrivesim

import "strconv"

// payload is what an event says of its record, in one version; what differs between deliveries is added when it is sent.
type payload struct{ data, previous []byte }

// payloadV2 prints data and previous of version 2.0.
func (s *Server) payloadV2(sw Switches, ch change) payload {
	after := s.webhookDoc(sw, ch.object, ch.after)
	switch ch.action {
	case "create":
		return payload{encode(after), []byte("null")}
	case "delete":
		return payload{[]byte("null"), encode(after)}
	}
	previous := map[string]any{}
	before := s.webhookDoc(sw, ch.object, ch.before)
	for name, old := range before {
		if name != "custom_fields" && !same(old, after[name]) && (name != "update_time" || sw.PreviousStamp == "present") {
			previous[name] = old
		}
	}
	if custom := s.changedHashes(ch); len(custom) > 0 {
		previous["custom_fields"] = custom
	}
	if sw.ClearedHash == "null" {
		data, _ := after["custom_fields"].(map[string]any)
		for code := range ch.before.custom() {
			if ch.after.custom()[code] == nil && s.stores[ch.object].fields.byCode[code] != nil {
				data[code] = nil
			}
		}
	}
	return payload{encode(after), encode(previous)}
}

// changedHashes are the custom fields that differ, with their old values; null where there was none.
func (s *Server) changedHashes(ch change) map[string]any {
	changed := map[string]any{}
	for _, f := range s.stores[ch.object].fields.fields {
		if old := ch.before.custom()[f.code]; !same(old, ch.after.custom()[f.code]) {
			changed[f.code] = f.inWebhook(old)
		}
	}
	return changed
}

// webhookDoc is a record as data of payload v2 has it: fewer fields than REST, and custom fields that have a value.
func (s *Server) webhookDoc(sw Switches, o *object, d doc) map[string]any {
	out := map[string]any{}
	switch o {
	case pipelines, stages:
		return oldNames(o, d)
	default:
		for _, name := range o.payload {
			if c := o.byName[name]; c == nil || c.when != "details" || sw.OrganizationDetails == "present" {
				out[name] = d[name]
			}
		}
	}
	if !o.custom {
		return out
	}
	out["visible_to"] = strconv.FormatInt(d.int("visible_to"), 10)
	if o != deals {
		out["label"] = nil
		if ids, _ := d["label_ids"].([]any); len(ids) > 0 {
			out["label"] = ids[0]
		}
	}
	if o == organizations {
		out["address"] = addressInWebhook(sw, d["address"])
	}
	custom := map[string]any{}
	for _, f := range s.stores[o].fields.fields {
		if v := d.custom()[f.code]; v != nil {
			custom[f.code] = f.inWebhook(v)
		}
	}
	out["custom_fields"] = custom
	return out
}

func addressInWebhook(sw Switches, v any) any {
	m, isObject := v.(map[string]any)
	switch {
	case !isObject || sw.AddressShape == "null":
		return nil
	case sw.AddressShape == "string":
		return m["value"]
	}
	return m
}

// payloadV1 prints current and previous of version 1.0: complete records.
func (s *Server) payloadV1(ch change) payload {
	p := payload{[]byte("null"), []byte("null")}
	if ch.action != "delete" {
		p.data = encode(s.flatV1(ch.object, ch.after))
	}
	switch {
	case ch.action == "delete":
		p.previous = encode(s.flatV1(ch.object, ch.after))
	case ch.before != nil:
		p.previous = encode(s.flatV1(ch.object, ch.before))
	}
	return p
}

// actionV1 is what version 1.0 calls an event.
func (ch change) actionV1() string {
	if ch.mergedFrom != 0 {
		return "merged"
	}
	return map[string]string{"create": "added", "change": "updated", "delete": "deleted"}[ch.action]
}

func text(id int64) string { return strconv.FormatInt(id, 10) }

// bodyV2 is a delivery of version 2.0; ids are texts in meta.
func (s *Server) bodyV2(sw Switches, d *delivery) []byte {
	ch := d.change
	meta := map[string]any{
		"action": ch.action, "company_id": text(companyID), "correlation_id": ch.correlation, "entity_id": text(ch.id), "entity": ch.object.name, "id": ch.event,
		"is_bulk_edit": ch.bulk, "timestamp": ch.at.Format("2006-01-02T15:04:05.000Z"), "type": "general", "user_id": text(ch.by), "version": "2.0",
		"webhook_id": text(d.hook.id), "webhook_owner_id": text(d.hook.owner), "attempt": d.attempt, "host": s.domain + ".pipedrive.com",
	}
	if sw.ChangeSource == "present" {
		meta["change_source"] = ch.source
	}
	if sw.Permitted == "present" {
		ids := make([]string, len(ch.permitted))
		for i, id := range ch.permitted {
			ids[i] = text(id)
		}
		meta["permitted_user_ids"] = ids
	}
	if ch.mergedTo != 0 {
		meta["merged_to_id"] = text(ch.mergedTo)
	}
	if ch.mergedFrom != 0 {
		meta["merged_from_id"] = text(ch.mergedFrom)
	}
	if d.attempt > 1 && sw.RetryIDs != "same" {
		meta["correlation_id"] = s.uuidLocked()
		if sw.RetryIDs == "new" {
			meta["id"] = s.uuidLocked()
		}
	}
	return encode(map[string]any{"data": rawJSON(d.payload.data), "previous": rawJSON(d.payload.previous), "meta": meta})
}

// bodyV1 is a delivery of version 1.0; ids are numbers, but the webhook's is a text in captures.
func (s *Server) bodyV1(sw Switches, d *delivery) []byte {
	ch := d.change
	matches := map[string]any{"current": []any{}}
	micro := ch.at.UnixMicro()
	meta := map[string]any{
		"v": 1, "action": ch.actionV1(), "object": ch.object.name, "id": ch.id, "company_id": companyID, "user_id": ch.by, "host": s.domain + ".pipedrive.com",
		"timestamp": ch.at.Unix(), "timestamp_micro": micro, "prepublish_timestamp": micro/1000 + 22, "permitted_user_ids": ch.permitted,
		"change_source": ch.source, "trans_pending": false, "is_bulk_update": ch.bulk, "pipedrive_service_name": false, "matches_filters": matches,
		"webhook_id": text(d.hook.id),
	}
	if sw.HookIDv1 == "number" {
		meta["webhook_id"] = d.hook.id
	}
	return encode(map[string]any{
		"v": 1, "matches_filters": matches, "meta": meta, "current": rawJSON(d.payload.data), "previous": rawJSON(d.payload.previous),
		"retry": d.attempt - 1, "event": ch.actionV1() + "." + ch.object.name,
	})
}
