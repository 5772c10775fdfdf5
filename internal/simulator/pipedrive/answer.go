package pipedrivesim

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// answer is what the API says, before faults and the wire.
type answer struct {
	status int
	kind   string // content type
	body   []byte
	items  int
}

const (
	typeJSON = "application/json; charset=utf-8"
	typeText = "text/plain; charset=utf-8"
	typeHTML = "text/html; charset=UTF-8"
)

// blockedPage is what the proxy before the vendor says to those who ignore 429s.
const blockedPage = "<!DOCTYPE html><html><body>Access denied</body></html>"

func said(status int, v any) answer {
	return answer{status: status, kind: typeJSON, body: encode(v)}
}

func ok(v any) answer { return said(http.StatusOK, v) }

func (a answer) with(items int) answer {
	a.items = items
	return a
}

// write sends an answer and gives its status.
func write(w http.ResponseWriter, a answer) int {
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has gone away is not the vendor's trouble
	return a.status
}

const info = "Please check developers.pipedrive.com"

func unauthorized() answer {
	return said(http.StatusUnauthorized, map[string]any{"success": false, "error": "unauthorized access", "errorCode": 401, "error_info": info})
}

// failure is the general error of v1, and of v2 where it is not about validation.
func failure(status int, message, more string) answer {
	return said(status, map[string]any{"success": false, "error": message, "error_info": more, "data": nil, "additional_data": nil})
}

func forbidden() answer {
	return failure(http.StatusForbidden, "You do not have permissions to do this.", info)
}

func notFoundV2() answer {
	return failure(http.StatusNotFound, "Entity was not found", "Object was not found.")
}

func unpaid() answer {
	return failure(http.StatusPaymentRequired, "Company is not open", info)
}

func planLimit() answer {
	return said(http.StatusForbidden, map[string]any{
		"success": false, "error": "Couldn't add the deal. Open deals limit reached.", "error_info": "Please check developers.pipedrive.com for more information about Pipedrive API.",
		"data": nil, "additional_data": nil, "code": "feature_capping_deals_limit",
	})
}

func internal() answer {
	return said(http.StatusInternalServerError, map[string]any{"success": false, "error": "Internal Server Error", "code": "ERR_UNKNOWN"})
}

func badV1(message string) answer { return failure(http.StatusBadRequest, message, info) }

// missing is the answer of v1 for a record that does not exist.
func (c *call) missing() answer {
	if c.sw.MissingV1 == "204" && c.Method == http.MethodGet {
		return answer{status: http.StatusNoContent}
	}
	return failure(http.StatusNotFound, "Item not found", info)
}

// problems are what validation of v2 found, path by path.
type problems []string

func (p *problems) add(path, message string) { *p = append(*p, path+": "+message) }

func (p *problems) notAllowed(name string) {
	p.add(name, "Parameter '"+name+"' is not allowed for this request")
}

// refuse gives the 400 of v2; nil where there is no problem.
func (p *problems) refuse() *answer {
	if len(*p) == 0 {
		return nil
	}
	slices.Sort(*p)
	a := said(http.StatusBadRequest, map[string]any{
		"success": false, "error": "Validation failed: " + strings.Join(*p, "; "), "code": "ERR_SCHEMA_VALIDATION_FAILED",
	})
	return &a
}

// one is the envelope of one record.
func one(data any) answer { return ok(map[string]any{"success": true, "data": data}) }

// natural reads a number that is not negative; 0 for anything else.
func natural(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
