package pipedrive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Field is an entry of an object's catalogue of fields.
type Field struct {
	Code        string        // what records hold it under: a word, or 40 characters for a custom field
	Name        string        // what people see; not unique
	Type        string        // "varchar", "enum", "set", "monetary", ...
	Custom      bool          // it stands in custom_fields
	Description string        //
	Options     []FieldOption // of "enum", "set" and the like
	Subfields   []Field       // of "monetary", "address" and the like
}

// FieldOption is a choice of a field. Ids of custom fields are numbers, written in decimal;
// those of some built-in fields are words.
type FieldOption struct{ ID, Label string }

// Label returns the label of an option; false when the field has none of that id.
func (f Field) Label(id string) (string, bool) {
	for _, o := range f.Options {
		if o.ID == id {
			return o.Label, true
		}
	}
	return "", false
}

const fieldTokens = 10

// Fields reads the catalogue of fields of deals, organizations or persons. Field
// definitions have no stamp: read it again from time to time, and when a record holds a
// code that it does not have.
func (c *Client) Fields(ctx context.Context, o Object) ([]Field, error) {
	spec, _ := Lookup(o)
	if spec.FieldsPath == "" {
		return nil, refuse("list", "fields of "+string(o), "only deals, organizations and persons have a catalogue")
	}
	return paged(ctx, c, fieldOf, call{
		action: "list", subject: "fields of " + spec.Listing, version: V2, path: spec.FieldsPath, label: labelField, cost: fieldTokens,
	})
}

// wireField has the names of both versions.
type wireField struct {
	Code        words             `json:"field_code"`
	Key         words             `json:"key"`
	FieldName   words             `json:"field_name"`
	Name        words             `json:"name"`
	Type        words             `json:"field_type"`
	Description words             `json:"description"`
	Custom      flag              `json:"is_custom_field"`
	Edit        flag              `json:"edit_flag"`
	Options     []wireOption      `json:"options"`
	Subfields   []json.RawMessage `json:"subfields"`
}

type wireOption struct {
	ID    words `json:"id"`
	Label words `json:"label"`
}

func fieldOf(raw json.RawMessage) (Field, error) {
	var w wireField
	if err := json.Unmarshal(raw, &w); err != nil {
		return Field{}, errors.New("a field cannot be decoded")
	}
	f := Field{
		Code: string(cmp.Or(w.Code, w.Key)), Name: string(cmp.Or(w.FieldName, w.Name)), Type: string(w.Type),
		Custom: bool(w.Custom || w.Edit), Description: string(w.Description),
	}
	if f.Code == "" {
		return Field{}, errors.New("a field has no code")
	}
	for _, o := range w.Options {
		f.Options = append(f.Options, FieldOption{string(o.ID), string(o.Label)})
	}
	for _, sub := range w.Subfields {
		field, err := fieldOf(sub)
		if err != nil {
			return Field{}, err
		}
		f.Subfields = append(f.Subfields, field)
	}
	return f, nil
}

// paged reads a list of version 2 to its end; a value is looked at once its page is
// known to be whole.
func paged[T any](ctx context.Context, c *Client, read func(json.RawMessage) (T, error), k call) ([]T, error) {
	var all []T
	opts := ListOptions{Limit: 500}
	given := k.query
	k.method, k.template = http.MethodGet, k.path
	for {
		var list []json.RawMessage
		var page Page
		k.query = url.Values{"limit": {strconv.Itoa(opts.Limit)}}
		if opts.Cursor != "" {
			k.query.Set("cursor", opts.Cursor)
		}
		for name := range given {
			k.query.Set(name, given.Get(name))
		}
		k.accept = func(env envelope, _ *rest.Answer) (err error) {
			list, err = env.list()
			page = Page{Rows: make([]Row, len(list))}
			return errors.Join(err, page.followCursor(env.more(), opts))
		}
		if err := c.do(ctx, k); err != nil {
			return nil, err
		}
		for _, raw := range list {
			value, err := read(raw)
			if err != nil {
				return nil, &Error{Kind: KindMalformed, Action: k.action, Subject: k.subject, Status: http.StatusOK, Attempts: 1, Err: err}
			}
			all = append(all, value)
		}
		if !page.More {
			return all, nil
		}
		opts = opts.After(page)
	}
}
