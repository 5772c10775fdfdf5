package planhat

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/rest"
	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// LeanCompanies lists id, name and keys of all companies in one answer, of any size.
func (c *Client) LeanCompanies(ctx context.Context) ([]Row, error) { return c.lean(ctx, nil) }

// FindCompanies returns the ids of companies by their sourceId or externalId: of many in
// one call. Values that name no company are not in the answer, and neither are those
// that cannot be asked for so: with a comma in them. The filter is not trusted: rows of
// other companies are dropped. calls says how many calls it took.
func (c *Client) FindCompanies(ctx context.Context, k Key, values []string) (ids map[string]string, calls int, err error) {
	if k != KeySourceID && k != KeyExternalID {
		return nil, 0, refuse("find", "companies by "+string(k), "the lean list has no such filter")
	}
	spec, _ := Lookup(Company)
	ids = map[string]string{}
	values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "" || strings.Contains(v, ",") })
	for len(values) > 0 {
		n := fitting(values)
		rows, err := c.lean(ctx, url.Values{string(k): {strings.Join(values[:n], ",")}})
		if err != nil {
			return nil, calls, err
		}
		calls++
		for _, row := range rows {
			if value := walk.Text(walk.Member(row.Raw, spec.KeyField(k))); slices.Contains(values[:n], value) {
				ids[value] = row.ID
			}
		}
		values = values[n:]
	}
	return ids, calls, nil
}

// fitting is how many of the values an address has room for, one at least.
func fitting(values []string) int {
	n, size := 0, 0
	for n < len(values) {
		size += len(url.QueryEscape(values[n])) + len("%2C")
		if n > 0 && size > longestFilter {
			break
		}
		n++
	}
	return n
}

func (c *Client) lean(ctx context.Context, filter url.Values) ([]Row, error) {
	var rows []Row
	_, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodGet, Path: "/leancompanies", Template: "/leancompanies", Label: string(Company), Query: filter,
		Accept: func(a *rest.Answer) (err error) {
			rows, err = splitRows(a.Body)
			return wrapAnswer(err)
		},
	})
	if err != nil {
		return nil, failed("list", "lean companies", err)
	}
	return rows, nil
}
