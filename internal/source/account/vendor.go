package account

import (
	"context"
	"errors"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// errTokenChanged says that an answer may be that of another company.
var errTokenChanged = errors.New("the token changed while it was used: the answer may be that of another company")

// streamError is trouble with one stream, while others may go on.
type streamError struct {
	stream *stream
	error
}

func (e streamError) Unwrap() error { return e.error }

// page asks for a page on behalf of a stream.
func (a *Account) page(ctx context.Context, s *stream, opts pipedrive.ListOptions) (pipedrive.Page, error) {
	page, err := a.client.Page(ctx, s.Object, opts)
	if err == nil && !a.tokenStands() {
		err = errTokenChanged
	}
	if err != nil {
		return page, streamError{s, err}
	}
	a.passed(PointRowsRead)
	return page, nil
}

// get asks for one record on behalf of a stream.
func (a *Account) get(ctx context.Context, s *stream, id int64) (pipedrive.Row, error) {
	row, err := a.client.Get(ctx, s.Object, id)
	if !a.tokenStands() {
		err = errTokenChanged
	}
	if err != nil {
		return row, streamError{s, err}
	}
	a.passed(PointRowsRead)
	return row, nil
}

// tokenStands says that an answer came for the token that was found to be right.
func (a *Account) tokenStands() bool { return a.cfg.Token.Current() == a.identity.token }
