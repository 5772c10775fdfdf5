package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Page is a whole page of a listing.
type Page struct {
	Rows      []Row
	More      bool      // there is a page behind it
	Next      string    // its cursor, in version 2
	NextStart int       // its start, in version 1
	Date      time.Time // Pipedrive's clock when it answered; zero: it did not say
	Bytes     int       // size of the answer
}

// Page lists one page. Filters that the listing does not know are refused before
// anything is sent: Pipedrive would ignore them, and list everything.
func (c *Client) Page(ctx context.Context, o Object, opts ListOptions) (Page, error) {
	spec, ok := Lookup(o)
	if !ok {
		return Page{}, refuse("list", string(o), "unknown object; known are deal, organization, person, note, pipeline and stage")
	}
	opts = opts.withDefaults(spec)
	if err := opts.check(spec, spec.Listing); err != nil {
		return Page{}, err
	}
	k := call{
		action: "list", subject: spec.Listing, method: http.MethodGet, version: spec.Version, path: spec.Path,
		label: o, query: opts.query(spec), cost: spec.ListTokens,
	}
	if opts.Archived {
		k.subject, k.path, k.cost = "archived "+spec.Listing, spec.ArchivedPath, spec.ArchivedTokens
	}
	return c.page(ctx, k, opts)
}

func (c *Client) page(ctx context.Context, k call, opts ListOptions) (Page, error) {
	var page Page
	k.template = k.path
	k.accept = func(env envelope, a *rest.Answer) (err error) {
		page, err = pageOf(env, opts, k.version)
		page.Bytes = len(a.Body)
		page.Date, _ = http.ParseTime(a.Header.Get("Date"))
		return err
	}
	if err := c.do(ctx, k); err != nil {
		return Page{}, err
	}
	return page, nil
}

// pageOf takes a list's envelope apart.
func pageOf(env envelope, opts ListOptions, version string) (Page, error) {
	list, err := env.list()
	if err != nil {
		return Page{}, err
	}
	page := Page{Rows: make([]Row, len(list))}
	for i, raw := range list {
		if page.Rows[i], err = rowOf(raw); err != nil {
			return Page{}, fmt.Errorf("row %d of %d: %w", i+1, len(list), err)
		}
	}
	if version == V1 {
		err = page.followOffset(env.more(), opts)
	} else {
		err = page.followCursor(env.more(), opts)
	}
	return page, err
}

// followCursor reads where version 2 goes on. A cursor that leads to where it came from
// would never end, and a full page without one may not be the last.
func (p *Page) followCursor(a additional, opts ListOptions) error {
	p.Next = text(a.NextCursor)
	p.More = p.Next != ""
	switch {
	case p.More && p.Next == opts.Cursor:
		return errors.New("the next page is this page again")
	case a.NextCursor == nil && len(p.Rows) >= opts.Limit:
		return errors.New("a full page does not say whether it is the last")
	}
	return nil
}

// followOffset reads where version 1 goes on; without its word, a full page is followed
// by another.
func (p *Page) followOffset(a additional, opts ListOptions) error {
	p.NextStart = opts.Start + len(p.Rows)
	if a.Pagination == nil {
		p.More = len(p.Rows) >= opts.Limit
		return nil
	}
	p.More = bool(a.Pagination.More)
	if a.Pagination.NextStart != nil && *a.Pagination.NextStart > 0 {
		p.NextStart = int(*a.Pagination.NextStart)
	}
	if p.More && p.NextStart <= opts.Start {
		return errors.New("the next page is this page again")
	}
	return nil
}

// Pages lists page after page until there is none. An error ends it. Version 1 pages by
// offset: rows that come or go meanwhile shift the others, so that one may come twice or
// not at all; sorted by ascending id, what is new comes last.
func (c *Client) Pages(ctx context.Context, o Object, opts ListOptions) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for {
			page, err := c.Page(ctx, o, opts)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if !yield(page, nil) || !page.More {
				return
			}
			opts = opts.After(page)
		}
	}
}

// Get reads one record. One that does not exist, or that the token's user may not see,
// is [KindNotFound]. One that is deleted may be that, or be answered all the same: see
// [Deleted].
func (c *Client) Get(ctx context.Context, o Object, id int64) (Row, error) {
	spec, ok := Lookup(o)
	subject := fmt.Sprintf("%s %d", o, id)
	switch {
	case !ok:
		return Row{}, refuse("get", subject, "unknown object")
	case id <= 0:
		return Row{}, refuse("get", subject, "an id is a positive number")
	}
	var row Row
	err := c.do(ctx, call{
		action: "get", subject: subject, method: http.MethodGet, version: spec.Version,
		path: spec.Path + "/" + strconv.FormatInt(id, 10), template: spec.Path + "/{id}", label: o, cost: spec.GetTokens,
		accept: func(env envelope, _ *rest.Answer) (err error) {
			row, err = oneOf(env.data, id)
			return err
		},
	})
	if err != nil {
		return Row{}, err
	}
	return row, nil
}

// oneOf is the record that was asked for; null says as much as a 404.
func oneOf(data json.RawMessage, id int64) (Row, error) {
	if data == nil {
		return Row{}, errors.New("the answer has no data")
	}
	if isNull(data) {
		return Row{}, &rest.Refused{Kind: rest.KindNotFound, Message: "answered null"}
	}
	row, err := rowOf(data)
	if err == nil && row.ID != id {
		err = fmt.Errorf("it is the record %d", row.ID)
	}
	return row, err
}

// listed reads a list that comes in one answer.
func listed[T any](ctx context.Context, c *Client, read func(json.RawMessage) (T, error), k call) ([]T, error) {
	var all []T
	k.accept = func(env envelope, _ *rest.Answer) error {
		list, err := env.list()
		if err != nil {
			return err
		}
		all = make([]T, len(list))
		for i, raw := range list {
			if all[i], err = read(raw); err != nil {
				return err
			}
		}
		return nil
	}
	if err := c.do(ctx, k); err != nil {
		return nil, err
	}
	return all, nil
}
