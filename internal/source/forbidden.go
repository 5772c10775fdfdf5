package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// unauthorizedIsForbidden is how often in a row a listing must be answered 401,
// while the token is good for another, to be taken as forbidden.
const unauthorizedIsForbidden = 3

// errElsewhere marks a refusal of the token that holds for one listing only, or
// for asking for its records.
var errElsewhere = errors.New("the token is good for other listings")

// inOtherWords finds out whether a stream's error means that the token may not
// see its listing. Nobody documents how Planhat says so: if with a 401, it looks
// like a token that has expired; if with a 404, like a path that is not there.
// A token and a path that are good for another listing tell.
func (w *workspace) inOtherWords(ctx context.Context, s *stream, err error) error {
	var failed *planhat.Error
	before := s.health.denied
	s.health.denied = 0
	_, asking := errors.AsType[confirmError](err) // one record was refused, not the listing
	if !errors.As(err, &failed) || failed.Kind != planhat.KindUnauthorized && (failed.Kind != planhat.KindNotFound || asking) {
		return err
	}
	if !w.acceptedElsewhere(ctx, s, asking) {
		return err
	}
	if failed.Kind == planhat.KindUnauthorized && !asking {
		s.health.denied = before + 1
	}
	if asking || failed.Kind == planhat.KindUnauthorized && s.health.denied < unauthorizedIsForbidden {
		return fmt.Errorf("%w: %w", errElsewhere, err)
	}
	denied := *failed
	denied.Kind = planhat.KindForbidden
	return &denied
}

// acceptedElsewhere asks for one row of the other listings, and if wanted of this
// one, until one answers.
func (w *workspace) acceptedElsewhere(ctx context.Context, s *stream, here bool) bool {
	for _, spec := range planhat.Objects() {
		if spec.Listing == s.listing && !here {
			continue
		}
		_, err := w.client.Page(ctx, spec.Object, planhat.ListOptions{Limit: 1})
		if err == nil {
			return true
		}
		if kind := planhat.KindOf(err); kind != planhat.KindUnauthorized && kind != planhat.KindForbidden && kind != planhat.KindNotFound {
			return false
		}
	}
	return false
}
