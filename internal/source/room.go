package source

import "github.com/planhat-bridge/planhat-bridge/cdc"

// room is memory that the next page of a sweep is read into. Most pages show nothing
// new: then nothing of them outlives the step, and the next page may take their place.
type room struct {
	page []byte
	rows []cdc.Sighting
}

// take gives the memory for a page away: whoever asks for one gives it back, if
// nothing of the page is needed any more.
func (r *room) take() []byte {
	page := r.page
	r.page = nil
	clear(r.rows) // they refer to the page before
	return page
}
