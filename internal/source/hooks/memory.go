package hooks

import (
	"slices"
	"time"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
)

// Memory is what is known of an account's webhooks beside what Pipedrive shows. It is
// to be kept where a crash does not reach it; without it nothing breaks, but webhooks
// with an address that is not in use any more stay where they are.
type Memory struct {
	Hooks []Known `json:"hooks,omitempty"`
}

// Known is a webhook that was made here, or found and adopted.
type Known struct {
	ID           int64     `json:"id"`
	Object       string    `json:"object"`
	URL          string    `json:"url"`
	Print        string    `json:"print,omitempty"`   // of the credentials that it was made, or adopted, with
	Made         bool      `json:"made,omitempty"`    // made here, or found with a password that was shown: its credentials are certain
	Failing      bool      `json:"failing,omitempty"` // its last delivery had failed when it was last looked at
	LastDelivery time.Time `json:"last_delivery,omitzero"`
}

// of returns what is known of a listed webhook, nil: nothing. An id with another address
// is another webhook.
func (m Memory) of(h pipedrive.Webhook) *Known {
	i := slices.IndexFunc(m.Hooks, func(k Known) bool { return k.ID == h.ID && sameURL(k.URL, h.URL) })
	if i < 0 {
		return nil
	}
	return &m.Hooks[i]
}

// forObject returns what is known of an object's webhook with an address; nil: nothing.
func (m Memory) forObject(object, url string) *Known {
	i := slices.IndexFunc(m.Hooks, func(k Known) bool { return k.Object == object && sameURL(k.URL, url) })
	if i < 0 {
		return nil
	}
	return &m.Hooks[i]
}

// without forgets a webhook.
func (m Memory) without(id int64) Memory {
	return Memory{slices.DeleteFunc(slices.Clone(m.Hooks), func(k Known) bool { return k.ID == id })}
}

// with remembers a webhook, in the place of what was known of it.
func (m Memory) with(k Known) Memory {
	next := m.without(k.ID)
	next.Hooks = append(next.Hooks, k)
	slices.SortFunc(next.Hooks, func(a, b Known) int { return int(min(max(a.ID-b.ID, -1), 1)) })
	return next
}

func (m Memory) equal(other Memory) bool {
	return slices.EqualFunc(m.Hooks, other.Hooks, func(a, b Known) bool {
		same := a.LastDelivery.Equal(b.LastDelivery)
		a.LastDelivery, b.LastDelivery = time.Time{}, time.Time{}
		return same && a == b
	})
}
