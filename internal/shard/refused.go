package shard

import (
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// deniedPause is how long a shard waits that the cluster does not let this user
// have: to ask again costs next to nothing, and whoever mends it wants to see.
const deniedPause = 5 * time.Second

// mendable makes a [Refusal], with what to do, of an error of the take-over that
// lasts until somebody mends the cluster.
func (o *owner) mendable(err error) error {
	state := o.opts.Names.State(o.opts.Role)
	switch {
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return &Refusal{Err: fmt.Errorf("%w; to repair: allow this user to describe and write transactional ids that begin with %s.%s-",
			err, o.opts.Names.Bridge, o.opts.Role)}
	case kafka.NotAllowed(err):
		return &Refusal{Err: fmt.Errorf("%w; to repair: allow this user to describe, read and write topic %s", err, state)}
	case kafka.TopicGone(err):
		return &Refusal{Err: fmt.Errorf("%w; the state topic %s is gone, and with it what is known of all that was done; to repair: restore it, "+
			"or restart, which creates it empty: everything is then read again", err, state)}
	}
	return err
}

// refusedFor is how long a refused shard is left alone.
func (o *owner) refusedFor(err error) time.Duration {
	if kafka.NotAllowed(err) || kafka.TopicGone(err) {
		return deniedPause
	}
	return refusalPause
}

// noteRefused remembers why a shard cannot be taken over; "" for one that was.
// It tells whether that is news.
func (m *Manager) noteRefused(shard int32, why string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	news := m.refused[shard] != why
	m.refused[shard] = why
	return news
}

// outsideBecause says what keeps this process out of the group until somebody
// mends it; "" for trouble that passes.
func (m *Manager) outsideBecause(err error) string {
	switch {
	case errors.Is(err, kerr.FencedInstanceID):
		return fmt.Sprintf("another process has joined as this INSTANCE_ID (%s): give each its own, or stop one", m.opts.InstanceID)
	case kafka.NotAllowed(err):
		return fmt.Sprintf("join group %s: %v; to repair: allow this user to describe and read groups that begin with %s.",
			m.opts.Names.ShardGroup(m.opts.Role), err, m.opts.Names.Bridge)
	}
	return ""
}

// noteOutside remembers, and says once, why this process is kept out of the
// group.
func (m *Manager) noteOutside(why string) {
	m.mu.Lock()
	news := m.outside != why
	m.outside = why
	m.mu.Unlock()
	if news {
		m.opts.Log.Error("this process is kept out of its group", "group", m.opts.Names.ShardGroup(m.opts.Role), "error", why)
	}
}

func (m *Manager) noteInside() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.outside = ""
}

// Refused says why the shard of a token is not worked on by this process, though
// it would be: the cluster does not allow it, or the state cannot be used. ""
// where nothing is known to be wrong.
func (m *Manager) Refused(token string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	shard := ShardOf(token, m.opts.Shards)
	if m.owners[shard] == nil {
		return m.outside
	}
	return m.refused[shard]
}
