package schemas

import (
	"encoding/json"
	"fmt"
)

// Envelope is one change of one record. The JSON of Before and After is the row as
// the vendor's API gave it; nil stands for null.
type Envelope struct {
	Before  json.RawMessage
	After   json.RawMessage
	Source  Source
	Op      string   // r first read, c created, u updated, d deleted
	TsMs    int64    // when the event was made, ms since 1970-01-01 UTC
	Changed []string // names that differ: top level, and custom.<name>
}

// Source says where a change was seen.
type Source struct {
	Version   string // of the bridge
	Connector string // vendor
	Name      string // of the bridge
	TsMs      int64  // when the change happened, ms since 1970-01-01 UTC
	Snapshot  string // "true" or "false"; "" is written as "false"
	DB        string // workspace or account
	Table     string // object
	Sequence  int64  // strictly increasing per stream
	Stream    string // listing that was read
}

// RowError tells which row of an envelope cannot be carried; Err is a *TextError.
type RowError struct {
	Row string // "before" or "after"
	Err error
}

func (e *RowError) Error() string { return fmt.Sprintf("encode change: row %s: %v", e.Row, e.Err) }

func (e *RowError) Unwrap() error { return e.Err }

func validOp(op string) bool {
	switch op {
	case "r", "c", "u", "d":
		return true
	default:
		return false
	}
}
