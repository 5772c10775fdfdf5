package cdc

import (
	"bytes"

	"github.com/cespare/xxhash/v2"
)

// RawHash is the 64-bit xxHash of raw as it was received. Equal hashes of two
// versions of one record mean that nothing changed, without a parse; different
// ones mean little, since the same content can be spelled in many ways. It is
// never 0, which stands for "not known" in [Entry].Raw.
func RawHash(raw []byte) uint64 {
	if sum := xxhash.Sum64(raw); sum != 0 {
		return sum
	}
	return 1
}

// Fingerprint is the 64-bit xxHash of the canonical form (see [Canonical]) of a
// row without its volatile members; s may be nil. It is the same in every
// process and release: it is stored. 64 bits are enough against accident, as a
// fingerprint is compared with former ones of the same record only.
//
// The error is a [*SyntaxError], also for a row that is not an object.
func Fingerprint(raw []byte, s *Shape) (uint64, error) { return fingerprint(raw, s, nil) }

// fingerprint reads the facts of the row on its way, if they are wanted.
func fingerprint(raw []byte, s *Shape, facts *Facts) (uint64, error) {
	if err := wantObject(raw); err != nil {
		return 0, err
	}
	f := takeForm(s)
	defer f.release()
	f.facts = facts
	if err := f.document(raw); err != nil {
		return 0, err
	}
	return xxhash.Sum64(f.out), nil
}

func wantObject(raw []byte) error {
	i := skipSpace(raw, 0)
	if i < len(raw) && raw[i] == '{' {
		return nil
	}
	return syntax(i, reasonObject)
}

// isNothing says that a row is absent: no bytes, or JSON null.
func isNothing(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}
