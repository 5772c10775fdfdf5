package source

import (
	"slices"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// newStreams groups the objects of the table by their listing.
func newStreams(topics func(planhat.Object) string, wanted map[string]bool) []*stream {
	byListing := map[string]*stream{}
	var out []*stream
	for _, spec := range planhat.Objects() {
		capture := wanted == nil || wanted[string(spec.Object)]
		s := byListing[spec.Listing]
		if s == nil {
			s = &stream{listing: spec.Listing, index: cdc.NewIndex(), health: health{state: stateStarting}}
			byListing[spec.Listing] = s
			out = append(out, s)
		}
		s.objects = append(s.objects, object{spec: spec, topic: topics(spec.Object), capture: capture})
		s.describe(spec)
	}
	return keep(out)
}

// describe takes what concerns the whole listing from one of its objects.
func (s *stream) describe(spec planhat.Spec) {
	s.stamped = spec.Stamp != ""
	s.archive = spec.ArchivedParam != ""
	s.shape.Stamp, s.shape.ArchivedField = spec.Stamp, spec.ArchivedField
	if spec.Type != "" {
		s.shape.TypeField = "type"
	}
	if s.shape.Volatile == nil {
		s.shape.Volatile = map[string]bool{}
	}
	for _, name := range spec.Volatile {
		s.shape.Volatile[name] = true
	}
}

// keep drops the listings of which no object is captured.
func keep(streams []*stream) []*stream {
	return slices.DeleteFunc(streams, func(s *stream) bool { return len(s.captured()) == 0 })
}
