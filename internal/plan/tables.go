package plan

import "github.com/planhat-bridge/planhat-bridge/planhat"

// table is a row of the objects table with its fields by name.
type table struct {
	spec     planhat.Spec
	fields   map[string]planhat.Field
	writable []string
	refs     []string // the fields that name other records
	upsert   []planhat.Key
}

var (
	tables     = buildTables()
	knownNames = buildNames()
)

func buildNames() map[string]string {
	out := map[string]string{}
	for _, t := range tables {
		for name := range t.fields {
			out[name] = name
		}
	}
	return out
}

func buildTables() map[planhat.Object]*table {
	out := map[planhat.Object]*table{}
	for _, spec := range planhat.Objects() {
		t := &table{spec: spec, fields: make(map[string]planhat.Field, len(spec.Fields)), upsert: spec.UpsertKeys()}
		for _, f := range spec.Fields {
			t.fields[f.Name] = f
			if f.Ref != "" {
				t.refs = append(t.refs, f.Name)
			}
			if f.Writable {
				t.writable = append(t.writable, f.Name)
			}
		}
		out[spec.Object] = t
	}
	return out
}
