package sink

import (
	"bytes"
	"encoding/json"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// unwritten ends an item whose record was read before the write and holds already, to the
// letter, what it would write: that is known to change nothing, and costs no call. Whoever
// wants every value sent (coalesce: false) gets it sent.
func (e *executor) unwritten(i plan.Item, r found) bool {
	for _, o := range i.Orders {
		if !o.Coalesce {
			return false
		}
	}
	if len(i.Fields) == 0 || !holdsExactly(r.raw, i) {
		return false
	}
	effect := schemas.EffectUnchanged
	if c := e.batch[i.Orders[0].Seq]; c.resumed || c.sent {
		effect = schemas.EffectUpdated // it may be this command's own doing
	}
	e.end(i, effect, r.id)
	return true
}

// holdsExactly compares more strictly than plan.Differences, which forgives what Planhat
// rewrites. A field that the record does not show is different, whatever would be written.
func holdsExactly(record json.RawMessage, i plan.Item) bool {
	held := members(record)
	for _, f := range i.Fields {
		if f.Name != "custom" {
			if !sameJSON(f.Raw, held[f.Name]) {
				return false
			}
			continue
		}
		custom := members(held[f.Name])
		for name, value := range members(f.Raw) {
			if !sameJSON(value, custom[name]) {
				return false
			}
		}
	}
	return held != nil
}

func members(raw json.RawMessage) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if json.Unmarshal(raw, &out) != nil {
		return nil
	}
	return out
}

// sameJSON compares the texts of two values, but for space between their parts.
func sameJSON(a, b json.RawMessage) bool {
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	if bytes.Equal(a, b) {
		return true
	}
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}
