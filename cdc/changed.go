package cdc

import (
	"bytes"
	"fmt"
	"slices"
)

// Changed lists the names that differ between two versions of a row, sorted:
// top-level names, and custom fields as "custom.<name>". Values are compared in
// canonical form (see [Canonical]); volatile names are listed like all others.
// No bytes or null stand for a row without members, so that all names of a new
// or deleted row differ. A "custom" that is no object counts as one without
// fields; if it differs although no field does, "custom" itself is listed.
// The list is empty exactly if the canonical forms are equal.
func Changed(before, after []byte) ([]string, error) { return ChangedIn(customName, before, after) }

// ChangedIn is Changed for rows whose custom fields are in another member than
// "custom".
func ChangedIn(custom string, before, after []byte) ([]string, error) {
	old, err := canonicalMembers(before)
	if err != nil {
		return nil, fmt.Errorf("compare versions: before: %w", err)
	}
	young, err := canonicalMembers(after)
	if err != nil {
		return nil, fmt.Errorf("compare versions: after: %w", err)
	}
	var names []string
	compareMembers(old, young, func(name, a, b []byte) {
		if string(name) == custom {
			names = appendCustomNames(names, custom, a, b)
			return
		}
		names = append(names, string(appendText(nil, name)))
	})
	slices.Sort(names)
	return slices.Compact(names), nil
}

// field is a member of a canonical object: the inside of its name, and its value.
type field struct{ name, value []byte }

// canonicalMembers gives the members of a row in canonical order and spelling.
func canonicalMembers(raw []byte) ([]field, error) {
	if isNothing(raw) {
		return nil, nil
	}
	if err := wantObject(raw); err != nil {
		return nil, err
	}
	text, err := Canonical(nil, raw)
	if err != nil {
		return nil, err
	}
	return membersOf(text), nil
}

// membersOf lists the members of a canonical value: none unless it is an object.
func membersOf(text []byte) []field {
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	fields := make([]field, 0, 48)
	// Canonical text cannot fail to be read.
	_, _ = skipObject(text, 0, 1, func(name, value []byte) {
		fields = append(fields, field{name: name, value: value})
	})
	return fields
}

// compareMembers reports each name whose value differs; a missing value is nil.
func compareMembers(old, young []field, report func(name, a, b []byte)) {
	for len(old) > 0 || len(young) > 0 {
		switch order := compareHeads(old, young); {
		case order < 0:
			report(old[0].name, old[0].value, nil)
			old = old[1:]
		case order > 0:
			report(young[0].name, nil, young[0].value)
			young = young[1:]
		default:
			if !bytes.Equal(old[0].value, young[0].value) {
				report(old[0].name, old[0].value, young[0].value)
			}
			old, young = old[1:], young[1:]
		}
	}
}

// compareHeads orders the first names of two lists; an empty list comes last.
func compareHeads(old, young []field) int {
	switch {
	case len(old) == 0:
		return 1
	case len(young) == 0:
		return -1
	default:
		return bytes.Compare(old[0].name, young[0].name)
	}
}

// appendCustomNames lists the custom fields that differ, or their member if none does.
func appendCustomNames(names []string, custom string, a, b []byte) []string {
	before := len(names)
	compareMembers(membersOf(a), membersOf(b), func(name, _, _ []byte) {
		names = append(names, custom+"."+string(appendText(nil, name)))
	})
	if len(names) == before {
		names = append(names, custom)
	}
	return names
}
