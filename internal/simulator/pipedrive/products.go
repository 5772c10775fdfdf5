package pipedrivesim

import (
	"slices"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

// productsOf gives the products of a deal, in their order.
func (s *Server) productsOf(deal int64) []*record {
	var attached []*record
	for _, r := range s.stores[products].ofDeal[deal] {
		if !r.deleted() && r.doc.int("deal_id") == deal && !slices.Contains(attached, r) {
			attached = append(attached, r)
		}
	}
	slices.SortFunc(attached, func(a, b *record) int { return int(a.id - b.id) })
	return attached
}

// productPage answers products behind a cursor, which is a place in them.
func (s *Server) productPage(p *params, c *call, all []*record) answer {
	limit, from := p.limit(c.sw), 0
	if text := p.get("cursor"); text != "" {
		at := parseCursor(text)
		if at == nil {
			p.add("cursor", "Cursor is not valid")
		} else {
			from = slices.IndexFunc(all, func(r *record) bool { return r.id > at.ID })
		}
	}
	if refusal := p.refuse(); refusal != nil {
		return *refusal
	}
	if from < 0 {
		from = len(all)
	}
	page := all[from:min(from+limit, len(all))]
	rows := make([][]byte, len(page))
	for i, r := range page {
		rows[i] = s.row(c.sw, r, rowOptions{})
	}
	var next any
	if from+limit < len(all) {
		next = cursor{Field: "id", Value: page[len(page)-1].id, Dir: "asc", ID: page[len(page)-1].id}.String()
	}
	return ok(map[string]any{"success": true, "data": rowsOf(rows), "additional_data": map[string]any{"next_cursor": next}}).With(len(rows))
}

func listProducts(s *Server, c *call) answer {
	deal := s.find(c, deals)
	if deal == nil {
		return notFoundV2()
	}
	return s.productPage(&params{Values: c.URL.Query(), known: map[string]bool{}}, c, s.productsOf(deal.id))
}

func listProductsOfDeals(s *Server, c *call) answer {
	p := &params{Values: c.URL.Query(), known: map[string]bool{}}
	ids := p.ids("deal_ids")
	if len(ids) == 0 {
		p.add("deal_ids", "Parameter 'deal_ids' is required")
	}
	var all []*record
	for _, id := range ids {
		if deal := s.stores[deals].get(id); deal != nil && c.user.sees(deal.doc) {
			all = append(all, s.productsOf(id)...)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return int(a.id - b.id) })
	return s.productPage(p, c, all)
}

// catalogueOfProducts names the products that can be attached.
var catalogueOfProducts = []string{"Platform licence", "Insights", "Onboarding", "Support"}

const firstProduct = 9

func addProduct(s *Server, c *call) answer {
	deal := s.find(c, deals)
	if deal == nil || deal.deleted() {
		return notFoundV2()
	}
	values, refusal := s.fields(c, products, "c")
	if refusal != nil {
		return *refusal
	}
	t := s.begin("api", c.user, c.n)
	r, p := t.attach(deal, values)
	if p != nil {
		return refuseOne(p)
	}
	a := one(rawJSON(s.row(c.sw, r, rowOptions{})))
	a.Status = 201
	return a
}

// attach puts a product on a deal, whose revenue follows.
func (t *tx) attach(deal *record, values map[string]any) (*record, *problem) {
	at, _ := values["product_id"].(int64)
	at -= firstProduct
	if at < 0 || at >= int64(len(catalogueOfProducts)) {
		return nil, &problem{"product_id", "product does not exist"}
	}
	values["name"], values["deal_id"], values["currency"] = catalogueOfProducts[at], deal.id, deal.doc["currency"]
	values["order_nr"] = int64(len(t.s.productsOf(deal.id)) + 1)
	r, p := t.create(products, values)
	if p == nil {
		t.revenue(deal)
	}
	return r, p
}

// attached finds the product that a path names, with its deal.
func (s *Server) attached(c *call) (product, deal *record) {
	deal = s.find(c, deals)
	product = s.stores[products].get(simkit.Natural(c.PathValue("product")))
	if deal == nil || product == nil || product.doc.int("deal_id") != deal.id {
		return nil, nil
	}
	return product, deal
}

func editProduct(s *Server, c *call) answer {
	r, deal := s.attached(c)
	if r == nil {
		return notFoundV2()
	}
	values, refusal := s.fields(c, products, "u")
	if refusal != nil {
		return *refusal
	}
	t := s.begin("api", c.user, c.n)
	if p := t.update(r, values); p != nil {
		return refuseOne(p)
	}
	t.revenue(deal)
	return one(rawJSON(s.row(c.sw, r, rowOptions{})))
}

func deleteProduct(s *Server, c *call) answer {
	r, deal := s.attached(c)
	if r == nil {
		return notFoundV2()
	}
	t := s.begin("api", c.user, c.n)
	t.remove(r, 0, "")
	t.revenue(deal)
	return one(map[string]any{"id": r.id})
}
