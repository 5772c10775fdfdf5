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
	IDs     []string // places of letters; what is no place is a command's id, as it is or as it was first
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
		if id == Name(l.At) {
			return id
		}
		if _, err := ParsePlace(id); err != nil && (id == l.CommandID || id == l.Of) && id != "" {
			return id
		}
	}
	return ""
}

// places are where the letters stand that the filter names: by partition, the
// first and the last offset. It is nil if an id does not tell.
func (f *Filter) places() map[int32][2]int64 {
	out := map[int32][2]int64{}
	for _, id := range f.IDs {
		at, err := ParsePlace(id)
		if err != nil {
			return nil
		}
		span, ok := out[at.Partition]
		if !ok {
			span = [2]int64{at.Offset, at.Offset}
		}
		out[at.Partition] = [2]int64{min(span[0], at.Offset), max(span[1], at.Offset)}
	}
	if len(out) == 0 {
		return nil
	}
	return out
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
