package pipedrive

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
)

// DealProduct is a product attached to a deal. Raw is the JSON object as Pipedrive sent
// it.
type DealProduct struct {
	ID, DealID, ProductID int64
	Raw                   []byte
}

const productTokens = 10

// DealProducts reads the products of deals, with one call for every 100 of them.
func (c *Client) DealProducts(ctx context.Context, dealIDs ...int64) ([]DealProduct, error) {
	if slices.ContainsFunc(dealIDs, func(id int64) bool { return id <= 0 }) {
		return nil, refuse("list", "products of deals", "an id is a positive number")
	}
	var all []DealProduct
	for ids := range slices.Chunk(dealIDs, MaxIDs) {
		some, err := paged(ctx, c, productOf, call{
			action: "list", subject: "products of deals", version: V2, path: "/deals/products", label: labelProduct, cost: productTokens,
			query: url.Values{"deal_ids": {strings.Join(decimals(ids), ",")}},
		})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func productOf(raw json.RawMessage) (DealProduct, error) {
	row, err := rowOf(raw)
	if err != nil {
		return DealProduct{}, err
	}
	var of struct {
		Deal    number `json:"deal_id"`
		Product number `json:"product_id"`
	}
	if err := json.Unmarshal(raw, &of); err != nil || of.Deal <= 0 {
		return DealProduct{}, errors.New("a product names no deal")
	}
	return DealProduct{ID: row.ID, DealID: int64(of.Deal), ProductID: int64(of.Product), Raw: row.Raw}, nil
}
