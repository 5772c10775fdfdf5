package pipedrive

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/rest/walk"
)

// Row is a record. Raw is part of the answer's buffer: it is valid, and keeps the buffer
// in memory, as long as it is referenced.
type Row struct {
	ID  int64
	Raw []byte // the JSON object as Pipedrive sent it
}

// rowOf checks that a JSON value is an object with an id.
func rowOf(raw json.RawMessage) (Row, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return Row{}, errors.New("a record is no JSON object")
	}
	var named []byte
	for name, value := range walk.Members(raw) {
		if walk.IsName(name, "id") {
			named = value
			break
		}
	}
	if len(named) == 0 || named[0] == '{' || named[0] == 't' || named[0] == 'f' {
		return Row{}, errors.New("a record has no id")
	}
	id, err := integer(named)
	if err != nil || id <= 0 {
		return Row{}, errors.New("a record's id is no positive integer")
	}
	return Row{ID: id, Raw: raw}, nil
}

// Deleted reports whether a record says of itself that it is deleted, in the words of
// either version: is_deleted, active_flag, deleted, status.
func Deleted(row Row) bool {
	var r struct {
		IsDeleted flag  `json:"is_deleted"`
		Deleted   flag  `json:"deleted"`
		Active    *flag `json:"active_flag"`
		Status    words `json:"status"`
	}
	if json.Unmarshal(row.Raw, &r) != nil {
		return false
	}
	return bool(r.IsDeleted || r.Deleted) || r.Active != nil && !bool(*r.Active) || r.Status == "deleted"
}

// UpdateTime returns when a record says that it last changed; zero: it does not say,
// as stages that were never changed.
func UpdateTime(raw []byte) time.Time {
	var r struct {
		UpdateTime moment `json:"update_time"`
	}
	_ = json.Unmarshal(raw, &r) // no object: no time
	return time.Time(r.UpdateTime)
}
