package planhat

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
)

// Row is a record of a page. Raw is part of the page's buffer: it is valid, and keeps
// the buffer in memory, as long as it is referenced.
type Row struct {
	ID  string // 24 hex characters
	Raw []byte // the JSON object as Planhat sent it
}

// Page is a whole page of a listing.
type Page struct {
	Rows          []Row
	Offset, Limit int       // as asked for
	Date          time.Time // Planhat's clock when it answered; zero: it did not say
	Bytes         int       // size of the answer
	Buffer        []byte    // what the rows are parts of
}

// ListOptions say what to list. The zero value lists everything by ascending id.
type ListOptions struct {
	Sort       string   // field, "-" before it for descending; "": "_id"
	Offset     int      // index of the first row
	Limit      int      // rows per page; 0: the documented maximum
	Select     []string // fields wanted; empty: all. _id always comes along
	CompanyIDs []string // of these companies only, where records are of companies; empty: of all. See [CompanyFilter]
	Archived   bool     // ask for archived records, where the default leaves them out
	Overlap    int      // rows that each page repeats of the one before (Pages only)

	// Buffer is memory for the page, of a [Page] whose rows are not needed any more:
	// it is overwritten. nil: new memory. Not for Pages.
	Buffer []byte
}

// longestFilter is how long the companies of a listing may be in its address, in
// characters. Nobody documents a bound; other clients keep to this one.
const longestFilter = 2000

// CompanyFilter is what listings can be asked for of these companies: all of them,
// or nil, which is everything, where they are so many that what lies between here and
// Planhat may refuse the address. Then the rows of others are to be left out by
// whoever asked (see [Spec.Companies]).
func CompanyFilter(companyIDs []string) []string {
	if len(url.QueryEscape(strings.Join(companyIDs, ","))) > longestFilter {
		return nil
	}
	return companyIDs
}

// Page lists one page, with one answer. Where several objects share a listing, its
// rows are of all of them: see [Spec.Type].
func (c *Client) Page(ctx context.Context, o Object, opts ListOptions) (Page, error) {
	spec, ok := Lookup(o)
	subject := fmt.Sprintf("%s at offset %d", o, opts.Offset)
	if !ok {
		return Page{}, refuse("list", subject, "unknown object")
	}
	subject = fmt.Sprintf("%s at offset %d", spec.Listing, opts.Offset)
	opts = opts.withDefaults(spec)
	if err := opts.check(spec, subject); err != nil {
		return Page{}, err
	}
	return c.page(ctx, spec, opts, subject, nil)
}

func (c *Client) page(ctx context.Context, spec Spec, opts ListOptions, subject string, filter url.Values) (Page, error) {
	page := Page{Offset: opts.Offset, Limit: opts.Limit}
	query := opts.query(spec)
	maps.Copy(query, filter)
	_, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodGet, Path: spec.Path, Template: spec.Path, Label: string(spec.Object), Query: query, Room: opts.Buffer,
		Accept: func(a *rest.Answer) error {
			rows, err := splitRows(a.Body)
			page.Rows, page.Bytes, page.Buffer = rows, len(a.Body), a.Body
			page.Date, _ = http.ParseTime(a.Header.Get("Date"))
			return wrapAnswer(err)
		},
	})
	if err != nil {
		return Page{}, failed("list", subject, err)
	}
	return page, nil
}

// Pages lists page after page, until one is empty or shorter than a limit that
// Planhat surely grants. An error ends it. Rows that change place meanwhile may come
// twice or not at all: an overlap shows it, a scan by _id avoids most of it.
func (c *Client) Pages(ctx context.Context, o Object, opts ListOptions) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		opts.Buffer = nil // its pages may be kept
		for {
			page, err := c.Page(ctx, o, opts)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if len(page.Rows) == 0 || !yield(page, nil) {
				return
			}
			next, more := opts.after(page, o)
			if !more {
				return
			}
			opts = next
		}
	}
}

// after returns the options of the page after one; false: there is none. A page no
// longer than the overlap repeats what is known.
func (l ListOptions) after(page Page, o Object) (ListOptions, bool) {
	spec, _ := Lookup(o)
	short := len(page.Rows) < page.Limit && page.Limit <= spec.PageSize
	if short || len(page.Rows) <= l.Overlap {
		return l, false
	}
	l.Offset += len(page.Rows) - l.Overlap
	return l, true
}

func (l ListOptions) withDefaults(spec Spec) ListOptions {
	if l.Sort == "" {
		l.Sort = "_id"
	}
	if l.Limit == 0 {
		l.Limit = spec.PageSize
	}
	return l
}

func (l ListOptions) check(spec Spec, subject string) error {
	switch {
	case l.Offset < 0:
		return refuse("list", subject, "the offset is negative")
	case l.Limit < 0:
		return refuse("list", subject, "the limit %d is negative", l.Limit)
	case l.Overlap < 0 || l.Overlap >= l.Limit:
		return refuse("list", subject, "an overlap of %d rows does not fit pages of %d", l.Overlap, l.Limit)
	case l.Archived && spec.ArchivedParam == "":
		return refuse("list", subject, "there is no listing of archived %s", spec.Listing)
	}
	return nil
}

func (l ListOptions) query(spec Spec) url.Values {
	q := url.Values{
		"sort":   {l.Sort},
		"offset": {strconv.Itoa(l.Offset)},
		"limit":  {strconv.Itoa(l.Limit)},
	}
	if len(l.Select) > 0 {
		q.Set("select", strings.Join(l.Select, ","))
	}
	if len(l.CompanyIDs) > 0 && spec.CompanyField != "" {
		q.Set("companyId", strings.Join(l.CompanyIDs, ","))
	}
	if l.Archived {
		q.Set(spec.ArchivedParam, "true")
	}
	return q
}

// wrapAnswer says of what an error is.
func wrapAnswer(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the answer is unusable: %w", err)
}
