package pipedrivesim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/planhat-bridge/planhat-bridge/internal/simulator/simkit"
)

type answer = simkit.Answer

const typeHTML = "text/html; charset=UTF-8"

// blockedPage is what the proxy before the vendor says to those who ignore 429s.
const blockedPage = "<!DOCTYPE html><html><body>Access denied</body></html>"

func said(status int, v any) answer {
	return answer{Status: status, Kind: simkit.TypeJSON, Body: encode(v)}
}

func ok(v any) answer { return said(http.StatusOK, v) }

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
		return answer{Status: http.StatusNoContent}
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
