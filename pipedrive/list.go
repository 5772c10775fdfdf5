package pipedrive

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ListOptions say what to list. The zero value lists all records by ascending id,
// without those that are deleted and, of deals, archived.
type ListOptions struct {
	Cursor string // of the page before, in version 2; "": the first page
	Start  int    // index of the first row, in version 1
	Limit  int    // rows per page; 0: the documented maximum

	IDs          []int64   // of these records only; at most MaxIDs
	UpdatedSince time.Time // changed at this second or later; parts of a second are cut off
	UpdatedUntil time.Time // changed before this second; not for notes

	SortBy string // "id" (the default), "update_time", "add_time"
	Desc   bool   // descending

	Status   string // of deals: "open", "won", "lost" or "deleted", which nothing else lists
	Archived bool   // of deals: the archived ones, and no others

	OwnerID, PipelineID, StageID, OrgID, PersonID, DealID int64 // of these only; 0: of all

	IncludeFields []string // optional fields wanted, of version 2
	CustomFields  []string // codes of the custom fields wanted, at most 15, of version 2; empty: all
	OptionLabels  bool     // options come as {id, label}, of version 2
}

// After returns the options of the page behind one; meaningless when it says that there
// is none.
func (o ListOptions) After(p Page) ListOptions {
	o.Cursor, o.Start = p.Next, p.NextStart
	return o
}

func (o ListOptions) withDefaults(s Spec) ListOptions {
	if o.Limit == 0 {
		o.Limit = s.PageSize
	}
	if o.SortBy == "" {
		o.SortBy = "id"
	}
	return o
}

// filter is a condition on the rows, by its name in version 2.
type filter struct{ name, value string }

func (o ListOptions) filters() []filter {
	var set []filter
	for _, f := range []struct {
		name string
		id   int64
	}{
		{"owner_id", o.OwnerID}, {"pipeline_id", o.PipelineID}, {"stage_id", o.StageID},
		{"org_id", o.OrgID}, {"person_id", o.PersonID}, {"deal_id", o.DealID},
	} {
		if f.id != 0 {
			set = append(set, filter{f.name, strconv.FormatInt(f.id, 10)})
		}
	}
	if o.Status != "" {
		set = append(set, filter{"status", o.Status})
	}
	return set
}

var statuses = []string{"open", "won", "lost", "deleted"}

// check refuses what the listing would ignore: an ignored filter lists too much in silence.
func (o ListOptions) check(s Spec, subject string) *Error {
	no := func(format string, args ...any) *Error { return refuse("list", subject, format, args...) }
	switch {
	case o.Limit < 1 || o.Limit > s.PageSize:
		return no("the limit is %d, want 1 to %d", o.Limit, s.PageSize)
	case o.Start < 0 || o.Start > 0 && s.Version != V1:
		return no("the start is %d; %s are paged by cursor", o.Start, s.Listing)
	case o.Cursor != "" && s.Version != V2:
		return no("%s have no cursors, they are paged by start", s.Listing)
	case len(o.IDs) > MaxIDs:
		return no("%d ids, want at most %d", len(o.IDs), MaxIDs)
	case len(o.IDs) > 0 && !s.IDs:
		return no("%s cannot be listed by ids", s.Listing)
	case slices.ContainsFunc(o.IDs, func(id int64) bool { return id <= 0 }):
		return no("an id is not positive")
	case !o.UpdatedSince.IsZero() && !s.UpdatedSince:
		return no("%s cannot be listed by the time of their change", s.Listing)
	case !o.UpdatedUntil.IsZero() && (!s.UpdatedSince || s.Version != V2):
		return no("%s cannot be listed up to a time of change", s.Listing)
	case !slices.Contains(s.Sorts, o.SortBy):
		return no("they cannot be sorted by %q, want one of %s", o.SortBy, strings.Join(s.Sorts, ", "))
	case o.Archived && s.ArchivedPath == "":
		return no("%s are never archived", s.Listing)
	case s.Version != V2 && (len(o.IncludeFields) > 0 || len(o.CustomFields) > 0 || o.OptionLabels):
		return no("the fields of %s cannot be chosen", s.Listing)
	case len(o.CustomFields) > maxCustomFields:
		return no("%d custom fields, want at most %d", len(o.CustomFields), maxCustomFields)
	}
	return o.checkFilters(s, no)
}

const maxCustomFields = 15

func (o ListOptions) checkFilters(s Spec, no func(string, ...any) *Error) *Error {
	for _, f := range o.filters() {
		if !slices.Contains(s.Filters, f.name) {
			return no("%s cannot be listed by %s", s.Listing, f.name)
		}
	}
	for status := range strings.SplitSeq(o.Status, ",") {
		if o.Status != "" && !slices.Contains(statuses, status) {
			return no("the status is %q, want one of %s", status, strings.Join(statuses, ", "))
		}
	}
	return nil
}

func (o ListOptions) query(s Spec) url.Values {
	q := url.Values{"limit": {strconv.Itoa(o.Limit)}}
	if !o.UpdatedSince.IsZero() {
		q.Set("updated_since", wholeSecond(o.UpdatedSince))
	}
	if s.Version == V1 {
		return o.queryV1(q)
	}
	q.Set("sort_by", o.SortBy)
	q.Set("sort_direction", direction(o.Desc))
	for name, list := range map[string][]string{"include_fields": o.IncludeFields, "custom_fields": o.CustomFields, "ids": decimals(o.IDs)} {
		if len(list) > 0 {
			q.Set(name, strings.Join(list, ","))
		}
	}
	if o.Cursor != "" {
		q.Set("cursor", o.Cursor)
	}
	if !o.UpdatedUntil.IsZero() {
		q.Set("updated_until", wholeSecond(o.UpdatedUntil))
	}
	if o.OptionLabels {
		q.Set("include_option_labels", "true")
	}
	for _, f := range o.filters() {
		q.Set(f.name, f.value)
	}
	return q
}

// queryV1 spells the options as version 1 does, where an owner is a user.
func (o ListOptions) queryV1(q url.Values) url.Values {
	q.Set("start", strconv.Itoa(o.Start))
	q.Set("sort", o.SortBy+" "+strings.ToUpper(direction(o.Desc)))
	for _, f := range o.filters() {
		if f.name == "owner_id" {
			f.name = "user_id"
		}
		q.Set(f.name, f.value)
	}
	return q
}

func direction(desc bool) string {
	if desc {
		return "desc"
	}
	return "asc"
}

// wholeSecond is a time without parts of a second, which Pipedrive refuses.
func wholeSecond(at time.Time) string { return at.UTC().Truncate(time.Second).Format(time.RFC3339) }

func decimals(ids []int64) []string {
	var all []string
	for _, id := range ids {
		all = append(all, strconv.FormatInt(id, 10))
	}
	return all
}
