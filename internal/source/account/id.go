package account

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/planhat-bridge/planhat-bridge/cdc"
)

// idOf is a record's number as the index keeps it: big-endian in the last eight
// bytes, so that ids sort as numbers do.
func idOf(n int64) cdc.ID {
	var id cdc.ID
	binary.BigEndian.PutUint64(id[len(id)-8:], uint64(n))
	return id
}

// numberOf is the record's number.
func numberOf(id cdc.ID) int64 { return int64(binary.BigEndian.Uint64(id[len(id)-8:])) }

// decimal is the number as text: the key of a change.
func decimal(id cdc.ID) string { return strconv.FormatInt(numberOf(id), 10) }

// parseNumber reads a record's number.
func parseNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is not the id of a record: that is a number above 0", text)
	}
	return n, nil
}
