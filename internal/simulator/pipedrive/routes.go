package pipedrivesim

import (
	"net/http"
	"strings"
)

// route is one call of the API: its price in tokens and who answers it. Handlers run with the lock held.
type route struct {
	method, path string
	price        int
	search       bool
	handle       func(*Server, *call) answer
}

// Both spellings of v1 are served; v2 has one.
var versionPrefixes = map[string][]string{"v1": {"/api/v1", "/v1"}, "v2": {"/api/v2"}}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for version, table := range map[string][]route{"v1": routesV1(), "v2": routesV2()} {
		for _, rt := range table {
			path := rt.path
			rt.path = "/api/" + version + path
			for _, prefix := range versionPrefixes[version] {
				mux.HandleFunc(rt.method+" "+prefix+path, func(w http.ResponseWriter, r *http.Request) { s.serve(&rt, w, r) })
			}
		}
	}
	nowhere := &route{path: "/", handle: func(_ *Server, c *call) answer {
		if strings.HasPrefix(c.URL.Path, "/api/v2/") {
			return notFoundV2()
		}
		return failure(http.StatusNotFound, "Unknown method .", "")
	}}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.serve(nowhere, w, r) })
	return mux
}

func routesV2() []route {
	table := []route{
		{"GET", "/deals/archived", 20, false, listArchived},
		{"GET", "/deals/products", 10, false, listProductsOfDeals},
		{"GET", "/deals/{id}/products", 10, false, listProducts},
		{"POST", "/deals/{id}/products", 5, false, addProduct},
		{"PATCH", "/deals/{id}/products/{product}", 5, false, editProduct},
		{"DELETE", "/deals/{id}/products/{product}", 3, false, deleteProduct},
		{"GET", "/organizations/search", 20, true, search(organizations)},
		{"GET", "/persons/search", 20, true, search(persons)},
		{"GET", "/deals/search", 20, true, search(deals)},
	}
	for _, o := range v2 {
		table = append(table,
			route{"GET", "/" + o.path, o.price, false, list(o)},
			route{"POST", "/" + o.path, 5, false, create(o)},
			route{"GET", "/" + o.path + "/{id}", 1, false, get(o)},
			route{"PATCH", "/" + o.path + "/{id}", 5, false, patch(o)},
			route{"DELETE", "/" + o.path + "/{id}", 3, false, remove(o)})
		if o.custom {
			table = append(table,
				route{"GET", "/" + o.name + "Fields", 10, false, listFields(o)},
				route{"POST", "/" + o.name + "Fields", 5, false, addField(o)},
				route{"GET", "/" + o.name + "Fields/{code}", 1, false, getField(o)},
				route{"DELETE", "/" + o.name + "Fields/{code}", 3, false, deleteField(o)})
		}
	}
	return table
}

func routesV1() []route {
	table := []route{
		{"GET", "/users", 20, false, listUsers},
		{"GET", "/users/me", 2, false, getMe},
		{"GET", "/users/find", 20, false, findUsers},
		{"GET", "/users/{id}", 2, false, getUser},
		{"GET", "/notes", 20, false, listNotes},
		{"POST", "/notes", 10, false, addNote},
		{"GET", "/notes/{id}", 2, false, getNote},
		{"PUT", "/notes/{id}", 10, false, editNote},
		{"DELETE", "/notes/{id}", 6, false, deleteNote},
		{"GET", "/webhooks", 10, false, listHooks},
		{"POST", "/webhooks", 10, false, addHook},
		{"DELETE", "/webhooks/{id}", 6, false, deleteHook},
		{"GET", "/recents", 20, false, listRecents},
		{"GET", "/deals/{id}/participants", 10, false, listParticipants},
		{"POST", "/deals/{id}/participants", 10, false, addParticipant},
	}
	for _, o := range []*object{deals, persons, organizations} {
		table = append(table,
			route{"PUT", "/" + o.path + "/{id}/merge", 40, false, merge(o)},
			route{"GET", "/" + o.name + "Fields", 20, false, listFieldsV1(o)})
	}
	for _, o := range v2 {
		table = append(table,
			route{"GET", "/" + o.path, 2 * o.price, false, legacyList(o)},
			route{"GET", "/" + o.path + "/{id}", 2, false, legacyGet(o)})
	}
	return table
}
