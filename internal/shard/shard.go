// Package shard is the one mechanism by which source, sink and sync own work
// and make progress durable.
//
// A shard is a partition of a role's state topic. Processes of one role join a
// consumer group over that topic whose only use is to hand out its partitions;
// nothing is fetched through it. To own a shard is to: fence (initialise the
// shard's transactional id, which aborts what a former owner left open), check
// that the assignment still stands, read the last stable offset, restore the
// state up to it, and begin. Everything a shard writes goes out in one
// transaction per flush by its own producer.
//
// The rule that keeps it simple: the outcome of a commit that was not clearly
// answered is unknown. After any error of produce or commit the owner drops its
// client and its worker's memory, takes itself over, and goes on from what the
// log says. So a Worker never needs an undo.
//
// The package knows Kafka and nothing of vendors. Start reading at owner.go.
package shard

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// DefaultShards is the number of partitions of a state topic. It is pinned:
// changing it would move every token to another shard and orphan its state.
const DefaultShards = 12

// Worker is what a shard's owner runs. A new one is made for every tenure, so
// that memory never outlives the log's word.
type Worker interface {
	// Restore is handed each committed state record of the shard in log order,
	// before Run. A nil value is a tombstone. Key and value are only valid
	// during the call.
	Restore(key, value []byte) error
	// Run works until ctx ends, then finishes what it must and returns. An
	// error of Lease.Transact or Lease.Fresh has to be returned as it is.
	Run(ctx context.Context, l *Lease) error
}

// Observer is told what happens to shards. All methods may be called from
// several goroutines.
type Observer interface {
	TakenOver(shard int32, generation int64, restored int, took time.Duration)
	Committed(shard int32, records int, took time.Duration)
	Released(shard int32, cause error)
	// Astray says that nobody works on a token, since the owner of its shard is
	// not configured with it, or that this is over.
	Astray(token string, yes bool)
	// Stranger says that somebody else has written to a topic of a shard.
	Stranger(topic string)
}

// Options of a Manager. Kafka, Names, Role, InstanceID and New are required.
type Options struct {
	Kafka      kafka.Options
	Names      kafka.Names
	Role       string // "source", "sink" or "sync"
	Shards     int32  // default DefaultShards
	InstanceID string // a StatefulSet's pod name: a restart is back at once

	// Tokens are those that this process is configured with, as for ShardOf.
	// The others of the group are told, and compare them every LookEvery,
	// default 15 s.
	Tokens    []string
	LookEvery time.Duration

	// SessionTimeout is how long the group waits for a silent member; default
	// 45 s. CallDeadline bounds one API call, default 30 s, and Grace covers
	// scheduling, default 5 s, or a ninth of a shorter session: an API write may
	// start only while the last answered heartbeat is younger than SessionTimeout
	// less both, so that it has ended before anybody else may own the shard.
	SessionTimeout time.Duration
	CallDeadline   time.Duration
	Grace          time.Duration

	// DrainTimeout bounds how long a revoked worker may finish; default 20 s,
	// or as long as an API call and Grace take, if that is longer.
	DrainTimeout time.Duration

	Log      *slog.Logger
	New      func(shard int32) Worker
	Observer Observer
	// OnPoint is called at the points that Points lists; nil in production.
	// Tests use it to kill the process there.
	OnPoint func(name string)
}

// Errors that end a tenure.
var (
	// ErrStale says that the group has not confirmed this owner recently
	// enough to start an API write.
	ErrStale = errors.New("group membership is not fresh")
	// ErrFenced says that another owner has taken the shard.
	ErrFenced = errors.New("another owner has fenced this shard")
	// ErrLeaseOver says that an earlier transaction of this lease failed.
	ErrLeaseOver = errors.New("the lease is over: an earlier transaction failed")
)

// The points at which Options.OnPoint is called: those of a take-over, then
// those of a transaction, the first of which begins the tenure.
const (
	PointFenced    = "shard.fenced"    // the former owner is fenced, nothing is restored
	PointRestoring = "shard.restoring" // before each record of the state
	PointRestored  = "shard.restored"  // the state is restored, the tenure has not begun
	PointBegun     = "shard.begun"     // a transaction has begun
	PointProduced  = "shard.produced"  // all of it is acked
	PointCommitted = "shard.committed" // it is committed, the memory does not know
)

// Points lists them.
func Points() []string {
	return []string{PointFenced, PointRestoring, PointRestored, PointBegun, PointProduced, PointCommitted}
}

// Refusal is an error that taking over again cannot mend: a topic that was
// recreated, a state that is of a newer version. The shard is held, says so,
// and is looked at again once a minute.
type Refusal struct{ Err error }

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.SessionTimeout, 45*time.Second)
	def(&o.CallDeadline, 30*time.Second)
	def(&o.Grace, min(5*time.Second, o.SessionTimeout/9))
	def(&o.LookEvery, 15*time.Second)
	def(&o.DrainTimeout, max(20*time.Second, o.CallDeadline+o.Grace))
	if o.Shards == 0 {
		o.Shards = DefaultShards
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.OnPoint == nil {
		o.OnPoint = func(string) {}
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	return o
}

// freshFor is the age up to which a heartbeat allows an API write; where it is
// not positive, none ever is.
func (o Options) freshFor() time.Duration { return o.SessionTimeout - o.CallDeadline - o.Grace }

// rebalanceTimeout is how long the group waits for a member to let shards go and
// to join again.
func (o Options) rebalanceTimeout() time.Duration { return o.DrainTimeout + 10*time.Second }

// beatEvery is how often the group hears of us, and we of it: a shard that has
// become free is waited for no longer than that.
func (o Options) beatEvery() time.Duration {
	return max(10*time.Millisecond, min(time.Second, o.SessionTimeout/5, o.freshFor()/3))
}

// ShardOf names the shard that owns a token, e.g. "planhat/acme".
func ShardOf(token string, shards int32) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(token))
	return int32(h.Sum32() % uint32(shards)) // below shards, so it fits
}

type nobody struct{}

func (nobody) TakenOver(int32, int64, int, time.Duration) {}
func (nobody) Committed(int32, int, time.Duration)        {}
func (nobody) Released(int32, error)                      {}
func (nobody) Astray(string, bool)                        {}
func (nobody) Stranger(string)                            {}
