package oracle

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// vendor reads a simulator's control API.
type vendor struct {
	base string // without a trailing slash
	http *http.Client
}

func newVendor(base string, client *http.Client) vendor {
	if client == nil {
		client = &http.Client{}
	}
	return vendor{base: strings.TrimRight(base, "/"), http: client}
}

func (v vendor) call(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, v.base+"/_sim/"+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask the simulator for %s: %w", path, err)
	}
	resp, err := v.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask the simulator for %s: %w", path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("ask the simulator for %s: %w", path, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("ask the simulator for %s: status %d: %.200s", path, resp.StatusCode, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("ask the simulator for %s: decode the answer: %w", path, err)
	}
	return nil
}

// settle waits until no write that the vendor took is still to have its effect.
func (v vendor) settle(ctx context.Context) error {
	return v.call(ctx, http.MethodPost, "settle", nil)
}

// listing gives all rows of a listing, archived ones too.
func (v vendor) listing(ctx context.Context, name string) ([]Row, error) {
	var raw records
	if err := v.call(ctx, http.MethodGet, "state/"+name, &raw); err != nil {
		return nil, err
	}
	rows := make([]Row, len(raw))
	for i := range raw {
		row, err := parseRow(raw[i])
		if err != nil {
			return nil, fmt.Errorf("state of %s, row %d: %w", name, i, err)
		}
		rows[i] = row
	}
	return rows, nil
}

// records are the rows of a state, by themselves or in a member of that name.
type records []json.RawMessage

func (r *records) UnmarshalJSON(text []byte) error {
	var named struct {
		Records []json.RawMessage `json:"records"`
	}
	if err := json.Unmarshal(text, (*[]json.RawMessage)(r)); err == nil {
		return nil
	}
	err := json.Unmarshal(text, &named)
	*r = named.Records
	return err
}

// deliveriesAfter gives the attempts of deliveries after number n.
func (v vendor) deliveriesAfter(ctx context.Context, n int64) ([]Delivery, error) {
	var out []Delivery
	for {
		var page struct {
			Deliveries []Delivery `json:"deliveries"`
		}
		if err := v.call(ctx, http.MethodGet, "deliveries?after="+strconv.FormatInt(n, 10), &page); err != nil {
			return nil, err
		}
		if len(page.Deliveries) == 0 {
			return out, nil
		}
		out = append(out, page.Deliveries...)
		n = page.Deliveries[len(page.Deliveries)-1].Seq
	}
}

// journalAfter gives the entries after number n.
func (v vendor) journalAfter(ctx context.Context, n int64) ([]Entry, error) {
	var out []Entry
	for {
		var page struct {
			Entries []Entry `json:"entries"`
		}
		if err := v.call(ctx, http.MethodGet, "journal?after="+strconv.FormatInt(n, 10), &page); err != nil {
			return nil, err
		}
		if len(page.Entries) == 0 {
			return out, nil
		}
		out = append(out, page.Entries...)
		n = page.Entries[len(page.Entries)-1].Seq
	}
}

// faults gives the number of injected faults by kind.
func (v vendor) faults(ctx context.Context) (map[string]int, error) {
	var answer map[string]json.RawMessage
	if err := v.call(ctx, http.MethodGet, "faults", &answer); err != nil {
		return nil, err
	}
	if inner, ok := answer["injected"]; ok {
		answer = nil
		if err := json.Unmarshal(inner, &answer); err != nil {
			return nil, fmt.Errorf("ask the simulator for faults: decode the answer: %w", err)
		}
	}
	out := map[string]int{}
	for kind, raw := range answer {
		var n int
		if json.Unmarshal(raw, &n) == nil {
			out[kind] = n
		}
	}
	return out, nil
}
