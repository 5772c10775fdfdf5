package letters

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// Filter chooses letters: by all of what it sets. The zero Filter chooses every
// letter that is open.
type Filter struct {
	IDs     []string // of commands, as they are or as they were first; or places of letters
	Codes   []string
	Objects []string
	Since   time.Time // of Letter.Time, inclusive
	Until   time.Time // of Letter.Time, exclusive
	Settled bool      // settled letters too
}

// IsZero tells whether the filter chooses every open letter.
func (f *Filter) IsZero() bool {
	return len(f.IDs) == 0 && len(f.Codes) == 0 && len(f.Objects) == 0 && f.Since.IsZero() && f.Until.IsZero()
}

// takes tells whether a letter is chosen, as far as its record says; its object
// has to be decoded.
func (f *Filter) takes(l *Letter) bool {
	switch {
	case l.State != Open && !f.Settled,
		len(f.Codes) > 0 && !slices.Contains(f.Codes, string(l.Code)),
		!f.Since.IsZero() && l.Time.Before(f.Since),
		!f.Until.IsZero() && !l.Time.Before(f.Until):
		return false
	}
	return len(f.IDs) == 0 || f.Named(l) != ""
}

// Named is the id by which the filter chooses a letter; empty if it names no
// ids, or this letter by none.
func (f *Filter) Named(l *Letter) string {
	for _, id := range f.IDs {
		if id == Name(l.At) || id == l.CommandID && id != "" || id == l.Of && id != "" {
			return id
		}
	}
	return ""
}

// ErrRegistry means that the schema registry could not be asked.
var ErrRegistry = errors.New("the schema registry could not be asked")

// Decode reads a letter's command as the sink would. The problem says why it is
// none; the error is ErrRegistry.
func Decode(ctx context.Context, l *Letter, r schemas.Resolver) (schemas.Command, *schemas.Problem, error) {
	c, problem := schemas.DecodeCommand(ctx, l.Value, r)
	if problem != nil && problem.Wait {
		return c, nil, fmt.Errorf("decode the command of letter %s: %w: %w", Name(l.At), ErrRegistry, problem.Err)
	}
	return c, problem, nil
}

// chosen decides about a letter, decoding it only if objects are asked for.
func (f *Filter) chosen(ctx context.Context, l *Letter, r schemas.Resolver) (bool, error) {
	if !f.takes(l) || len(f.Objects) == 0 {
		return f.takes(l), nil
	}
	c, _, err := Decode(ctx, l, r)
	return slices.Contains(f.Objects, c.Object), err
}
