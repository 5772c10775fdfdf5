package doctor

import (
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// listing is what one call reads: the rows of one or several objects.
type listing struct {
	name    string
	objects []planhat.Object // that the workspace works on
	stamped bool
	target  time.Duration // the shortest freshness target of its objects
}

// listings are those that a workspace works on, in the order of the table.
func listings(ws config.Workspace) []listing {
	var out []listing
	for _, spec := range planhat.Objects() {
		if !wanted(ws, spec) {
			continue
		}
		i := slices.IndexFunc(out, func(l listing) bool { return l.name == spec.Listing })
		if i < 0 {
			i = len(out)
			out = append(out, listing{name: spec.Listing, stamped: spec.Stamp != "", target: ws.Freshness.For(string(spec.Object))})
		}
		out[i].objects = append(out[i].objects, spec.Object)
		out[i].target = min(out[i].target, ws.Freshness.For(string(spec.Object)))
	}
	return out
}

func wanted(ws config.Workspace, spec planhat.Spec) bool {
	return ws.Objects == nil || slices.Contains(ws.Objects, string(spec.Object))
}
