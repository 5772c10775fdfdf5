package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// DeleteGuard says how many records may be found gone within a day before an
// operator has to look. It is written "listing:33%,workspace:10%", for an account
// "listing:33%,account:10%"; a limit is a share or a number of records, and each
// scope may have one of both. The zero value, written "off", holds nothing.
type DeleteGuard struct {
	Listing   DeleteLimit // of the records of one listing
	Workspace DeleteLimit // of the records of all listings of a workspace or account together

	account bool // it was written with account
}

// DeleteLimit is a share of the records, from 0 to 1, and a number of them; 0 is
// no limit.
type DeleteLimit struct {
	Share float64
	Count int
}

const (
	noDeleteGuard          = "off"
	deleteGuardExplanation = "write limits such as listing:33%,workspace:10% or workspace:5000 (account instead of workspace for an account), or off"
)

// ParseDeleteGuard reads "listing:33%,workspace:10%", or "off". Spaces around
// the parts do not matter; a limit given twice, one of 0 and no limit at all are errors.
func ParseDeleteGuard(text string) (DeleteGuard, error) {
	var g DeleteGuard
	if strings.TrimSpace(text) == noDeleteGuard {
		return g, nil
	}
	pairs := splitList(text)
	if len(pairs) == 0 {
		return g, errors.New("has no limit") // a stray comma must not switch the guard off
	}
	for _, pair := range pairs {
		scope, limit, _ := strings.Cut(pair, ":")
		of := g.scope(strings.TrimSpace(scope))
		if of == nil {
			return DeleteGuard{}, fmt.Errorf("%q is not a limit of listing, or of workspace or account", pair)
		}
		if err := of.set(strings.TrimSpace(limit)); err != nil {
			return DeleteGuard{}, fmt.Errorf("%q: %w", pair, err)
		}
	}
	return g, nil
}

func (g *DeleteGuard) scope(name string) *DeleteLimit {
	switch name {
	case "listing":
		return &g.Listing
	case "workspace":
		return &g.Workspace
	case "account":
		g.account = true
		return &g.Workspace
	default:
		return nil
	}
}

var errTwice = errors.New("is given twice")

func (l *DeleteLimit) set(text string) error {
	if share, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseFloat(share, 64)
		switch {
		case err != nil || !(percent > 0 && percent <= 100):
			return errors.New("a share is more than 0% and at most 100%")
		case l.Share != 0:
			return errTwice
		}
		l.Share = percent / 100
		return nil
	}
	count, err := strconv.Atoi(text)
	switch {
	case err != nil || count < 1:
		return errors.New("a number of records is 1 or more")
	case l.Count != 0:
		return errTwice
	}
	l.Count = count
	return nil
}

// String is the spelling that ParseDeleteGuard reads.
func (g DeleteGuard) String() string {
	var limits []string
	add := func(scope string, l DeleteLimit) {
		if l.Share > 0 {
			limits = append(limits, scope+":"+strconv.FormatFloat(100*l.Share, 'g', 6, 64)+"%")
		}
		if l.Count > 0 {
			limits = append(limits, scope+":"+strconv.Itoa(l.Count))
		}
	}
	add("listing", g.Listing)
	if g.account {
		add("account", g.Workspace)
	} else {
		add("workspace", g.Workspace)
	}
	if len(limits) == 0 {
		return noDeleteGuard
	}
	return strings.Join(limits, ",")
}

// MarshalText is String.
func (g DeleteGuard) MarshalText() ([]byte, error) { return []byte(g.String()), nil }
