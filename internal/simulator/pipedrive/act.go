package pipedrivesim

import (
	"encoding/json"
	"fmt"
)

// Acts are what tests do to the company as its users do in the app. Object is the name of webhooks: deal, note, ...

func (s *Server) act(name string, id int64, do func(t *tx, o *object, r *record) error) error {
	o := objectsByName[name]
	if o == nil {
		return fmt.Errorf("no object %q", name)
	}
	var err error
	s.write("app", func(t *tx) {
		r := t.store(o).byID[id]
		if r == nil && id != 0 {
			err = fmt.Errorf("%s %d does not exist", name, id)
			return
		}
		err = do(t, o, r)
	})
	return err
}

// checked reads fields as the API does.
func (t *tx) checked(o *object, fields, op string) (map[string]any, error) {
	c := &call{body: []byte(fields), user: t.by, sw: t.sw}
	values, refusal := t.s.fields(c, o, op)
	if refusal != nil {
		return nil, fmt.Errorf("%s: %s", o.name, refusal.Body)
	}
	return values, nil
}

func orNil(p *problem) error {
	if p == nil {
		return nil
	}
	return p
}

// Create adds a record with the fields of a JSON object and gives its id.
func (s *Server) Create(name, fields string) (id int64, err error) {
	err = s.act(name, 0, func(t *tx, o *object, _ *record) error {
		values, err := t.checked(o, fields, "c")
		if err != nil {
			return err
		}
		r, p := t.create(o, values)
		if p == nil {
			id = r.id
		}
		return orNil(p)
	})
	return id, err
}

// Update changes a record by the fields of a JSON object.
func (s *Server) Update(name string, id int64, fields string) error {
	return s.act(name, id, func(t *tx, o *object, r *record) error {
		values, err := t.checked(o, fields, "u")
		if err != nil {
			return err
		}
		return orNil(t.update(r, values))
	})
}

// Delete marks a record as deleted.
func (s *Server) Delete(name string, id int64) error {
	return s.act(name, id, func(t *tx, _ *object, r *record) error {
		if r.deleted() {
			return fmt.Errorf("%s %d is deleted already", name, id)
		}
		t.remove(r, 0, "")
		return nil
	})
}

// Restore takes a deletion back.
func (s *Server) Restore(name string, id int64) error {
	return s.act(name, id, func(t *tx, _ *object, r *record) error {
		if !r.deleted() {
			return fmt.Errorf("%s %d is not deleted", name, id)
		}
		t.restore(r)
		return nil
	})
}

// Merge merges loser into survivor.
func (s *Server) Merge(name string, loser, survivor int64) error {
	return s.act(name, loser, func(t *tx, o *object, r *record) error {
		other := t.store(o).get(survivor)
		if other == nil || r.deleted() || referenceColumns[o] == "" {
			return fmt.Errorf("merge %s %d into %d: both must exist, and be deals, persons or organizations", name, loser, survivor)
		}
		return orNil(t.merge(r, other))
	})
}

// BulkEdit changes several records as a list view does: one stamp, is_bulk_edit in their events.
func (s *Server) BulkEdit(name, fields string, ids ...int64) error {
	return s.act(name, 0, func(t *tx, o *object, _ *record) error {
		t.bulk = true
		for _, id := range ids {
			r := t.store(o).get(id)
			if r == nil {
				return fmt.Errorf("%s %d does not exist", name, id)
			}
			values, err := t.checked(o, fields, "u")
			if err != nil {
				return err
			}
			if p := t.update(r, values); p != nil {
				return p
			}
		}
		return nil
	})
}

// Act is one of these by name: for the control API.
type Act struct {
	Act    string          `json:"act"` // create, update, delete, restore, merge, bulk-edit
	Object string          `json:"object"`
	ID     int64           `json:"id,omitempty"`
	Into   int64           `json:"into,omitempty"` // the survivor of a merge
	IDs    []int64         `json:"ids,omitempty"`  // of a bulk edit
	Fields json.RawMessage `json:"fields,omitempty"`
}

// Do does one act and gives the record's id.
func (s *Server) Do(a Act) (int64, error) {
	switch a.Act {
	case "create":
		return s.Create(a.Object, string(a.Fields))
	case "update":
		return a.ID, s.Update(a.Object, a.ID, string(a.Fields))
	case "delete":
		return a.ID, s.Delete(a.Object, a.ID)
	case "restore":
		return a.ID, s.Restore(a.Object, a.ID)
	case "merge":
		return a.Into, s.Merge(a.Object, a.ID, a.Into)
	case "bulk-edit":
		return 0, s.BulkEdit(a.Object, string(a.Fields), a.IDs...)
	}
	return 0, fmt.Errorf("no act %q; there are create, update, delete, restore, merge, bulk-edit", a.Act)
}
