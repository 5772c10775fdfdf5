package account

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/cdc"
	"github.com/planhat-bridge/planhat-bridge/internal/source/durable"
	"github.com/planhat-bridge/planhat-bridge/internal/source/hooks"
)

// State keys: a name, a zero byte, a kind byte, and for records the id. The name
// is "pipedrive/<account>/<object>", or "pipedrive/<account>/account" for what is
// of the whole account.
const (
	keyEntry  = 'e'
	keyCursor = 'c'
	keyGrave  = 'g'
	keyFacts  = 'a'
	keyPlaces = 'w'
)

// Prefix and an account's name are the name that its shard is found by.
const Prefix = "pipedrive/"

const wholeAccount = "account"

func (a *Account) stateName(what string) string { return Prefix + a.cfg.Name + "/" + what }

func stateKey(name string, kind byte, id ...byte) []byte {
	return append(append([]byte(name), 0, kind), id...)
}

// facts are durable: what is known of the account as a whole.
type facts struct {
	Version   int            `json:"version"`
	CompanyID int64          `json:"companyId,omitempty"` // whose records are captured
	Paused    *durable.Pause `json:"paused,omitempty"`
	// Hooks is what the controller of the webhooks has to know of those before it.
	Hooks hooks.Memory `json:"hooks"`
}

const factsVersion = 1

func (f facts) encode() []byte {
	f.Version = factsVersion
	text, _ := json.Marshal(f) //nolint:errchkjson // strings and numbers
	return text
}

// places are how far the webhooks are read, as the state has it.
type places struct {
	Version int `json:"version"`
	durable.Position
}

const placesVersion = 1

func encodePlaces(p durable.Position) []byte {
	text, _ := json.Marshal(places{placesVersion, p}) //nolint:errchkjson // strings and numbers
	return text
}

// grave is what is remembered of a deleted record: a part of the vendor that
// lags, or an event that comes late, may still speak of it.
type grave struct {
	stamp int64 // of the delete, ms since 1970-01-01 UTC; what is not newer is not news
	died  int64 // when it was written
}

const graveVersion = 1

func (g grave) encode() []byte {
	return binary.AppendVarint(binary.AppendVarint([]byte{graveVersion}, g.stamp), g.died)
}

func readGrave(value []byte) (g grave, err error) {
	if len(value) == 0 || value[0] != graveVersion {
		return g, errors.New("read a deleted record: the version is not known")
	}
	stamp, n := binary.Varint(value[1:])
	if n <= 0 {
		return g, errors.New("read a deleted record: it is cut")
	}
	died, m := binary.Varint(value[1+n:])
	if m <= 0 || 1+n+m != len(value) {
		return g, errors.New("read a deleted record: it is cut or too long")
	}
	return grave{stamp: stamp, died: died}, nil
}

// Restore applies one state record of the account: rest is what stands behind
// the zero byte of its key. State that cannot be used holds what it is of, not
// its neighbours. Objects that are no longer captured are left alone.
func (a *Account) Restore(name string, rest, value []byte) {
	what := name[len(Prefix)+len(a.cfg.Name)+1:]
	var err error
	if what == wholeAccount {
		if err = a.restoreWhole(rest[0], value); err != nil && a.refused == nil {
			a.refused = fmt.Errorf("state of %s: %w", name, err)
		}
		return
	}
	for _, s := range a.streams {
		if string(s.Object) == what && s.refused == nil {
			if err = s.restore(rest[0], rest[1:], value); err != nil {
				s.refused = fmt.Errorf("state of %s: %w", name, err)
			}
		}
	}
}

func (a *Account) restoreWhole(kind byte, value []byte) error {
	switch kind {
	case keyFacts:
		if err := json.Unmarshal(value, &a.facts); err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		if a.facts.Version != factsVersion {
			return fmt.Errorf("read facts: version %d is not known", a.facts.Version)
		}
	case keyPlaces:
		var p places
		if err := json.Unmarshal(value, &p); err != nil {
			return fmt.Errorf("read positions: %w", err)
		}
		a.places = p.Position
		if p.Version != placesVersion {
			return fmt.Errorf("read positions: version %d is not known", p.Version)
		}
	default:
		return fmt.Errorf("state record of kind %q, written by a newer version", kind)
	}
	return nil
}

func (s *stream) restore(kind byte, rest, value []byte) error {
	if kind == keyCursor {
		var c cursor
		err := durable.Read("cursor", cursorVersion, value, &c)
		s.cursor, s.recorded = c, bytes.Clone(value)
		return err
	}
	var id cdc.ID
	if kind != keyEntry && kind != keyGrave || len(rest) != len(id) {
		return fmt.Errorf("state record of kind %q with %d bytes of id, written by a newer version", kind, len(rest))
	}
	copy(id[:], rest)
	switch {
	case kind == keyGrave && value == nil:
		delete(s.graves, id)
	case kind == keyGrave:
		g, err := readGrave(value)
		s.graves[id] = g
		return err
	case value == nil:
		s.index.Delete(id)
	default:
		e, err := cdc.ParseEntry(value)
		s.index.Put(id, e)
		return err
	}
	return nil
}
