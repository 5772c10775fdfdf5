package account

import (
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// part is one of the listings that together show an object.
type part struct {
	archived bool
	status   string // of deals: "deleted" lists what was deleted within 30 days
}

// options are what the listing of a part is asked for.
func (p part) options() pipedrive.ListOptions {
	return pipedrive.ListOptions{Archived: p.archived, Status: p.status}
}

// hang is a listing of records that belong to one of another object.
type hang struct {
	object pipedrive.Object
	of     func(*pipedrive.ListOptions, int64)
}

// object is what differs between the objects of an account, beside what the
// client's table knows.
type object struct {
	pipedrive.Spec
	live   []part // every record that is not deleted, each in one of them
	recent []part // what changed since a moment; nil: there is no such listing, the live ones are read whole
	shape  cdc.Shape
	hangs  []hang // what a merge moves to the survivor
}

// offset says that its pages go by offset, not by cursor.
func (o *object) offset() bool { return o.Version == pipedrive.V1 }

func ofDeal(o *pipedrive.ListOptions, id int64)         { o.DealID = id }
func ofPerson(o *pipedrive.ListOptions, id int64)       { o.PersonID = id }
func ofOrganization(o *pipedrive.ListOptions, id int64) { o.OrgID = id }

// hangs is what a merge of two records moves from one to the other.
var hangs = map[pipedrive.Object][]hang{
	pipedrive.Organization: {{pipedrive.Person, ofOrganization}, {pipedrive.Deal, ofOrganization}, {pipedrive.Note, ofOrganization}},
	pipedrive.Person:       {{pipedrive.Deal, ofPerson}, {pipedrive.Note, ofPerson}},
	pipedrive.Deal:         {{pipedrive.Note, ofDeal}},
}

// The names of what a note is on, and of its author, are those of the moment when
// it was read: they change without the note.
var volatile = map[pipedrive.Object]map[string]bool{
	pipedrive.Note: {"user": true, "deal": true, "person": true, "organization": true, "project": true, "task": true},
}

// captured are the objects that an account can capture, in the order in which
// they are read.
var captured = []pipedrive.Object{pipedrive.Pipeline, pipedrive.Organization, pipedrive.Person, pipedrive.Deal, pipedrive.Note}

// Objects are those of a configuration, in the order in which they are read; nil
// stands for all.
func Objects(names []string) (out []pipedrive.Object) {
	for _, o := range captured {
		if names == nil || slices.Contains(names, string(o)) {
			out = append(out, o)
		}
	}
	return out
}

func newObject(name pipedrive.Object) *object {
	spec, _ := pipedrive.Lookup(name)
	o := &object{Spec: spec, live: []part{{}}, hangs: hangs[name], shape: cdc.Shape{Volatile: volatile[name]}}
	if spec.ArchivedPath != "" {
		o.live = append(o.live, part{archived: true})
	}
	if spec.UpdatedSince {
		o.recent = slices.Clone(o.live)
	}
	if spec.DeletedList {
		o.recent = append(o.recent, part{status: "deleted"})
	}
	return o
}

// keepDeleted is how long the id of a deleted record is remembered: so long the
// vendor keeps the record, and may restore it.
const keepDeleted = 30 * 24 * time.Hour
