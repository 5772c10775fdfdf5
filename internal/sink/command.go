package sink

import (
	"context"
	"crypto/sha1" //nolint:gosec // UUIDv5 is made of it
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/plan"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// command is one record of the commands topic on its way to its result. While
// a batch is carried out, only one goroutine at a time works on a command.
type command struct {
	record   *kgo.Record
	received time.Time
	cmd      schemas.Command
	order    *plan.Order // nil if it was refused before it was planned

	// resumed: an attempt before this one may have taken effect.
	resumed bool
	// sent: this attempt at the batch has made a call for it.
	sent bool

	attempts, calls int
	result          *outcome   // nil until it is known
	ending          outcome    // room for result
	planned         plan.Order // and for order
	answered        bool       // the result is committed
}

func (c *command) place() place { return place{c.record.Partition, c.record.Offset} }

// outcome is how a command ended.
type outcome struct {
	status   schemas.Status
	effect   schemas.Effect
	recordID string
	record   []byte // of a get
	refusal  *plan.Refusal
	finished time.Time
}

// DerivedID is the id of a command that names none: the UUID (version 5, in
// the URL namespace) of "kafka:<topic>/<partition>/<offset>".
func DerivedID(topic string, partition int32, offset int64) string {
	urlNamespace := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	h := sha1.New() //nolint:gosec // see above
	h.Write(urlNamespace)
	_, _ = fmt.Fprintf(h, "kafka:%s/%d/%d", topic, partition, offset)
	id := h.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	s := hex.EncodeToString(id)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// read turns records into commands: decoded, checked, or refused. They are given to
// take a few at a time; those that have to wait for the schema registry are put aside.
// The error is that of ctx, or of take.
func (w *workspace) read(ctx context.Context, records []*kgo.Record, take func(some []*command) error) error {
	answered := w.position()
	for part := range slices.Chunk(records, decodeAtOnce) {
		now, room := time.Now(), make([]command, len(part))
		some := make([]*command, 0, len(part))
		for n, r := range part {
			if answered.done(r.Partition, r.Offset) {
				continue
			}
			c := &room[n]
			c.record, c.received = r, now
			ready, err := w.ready(ctx, c)
			switch {
			case err != nil:
				return err
			case ready:
				some = append(some, c)
			default:
				w.setAside(c)
			}
		}
		if err := take(some); err != nil {
			return err
		}
	}
	return nil
}

func (w *workspace) check(ctx context.Context, c *command, now time.Time) {
	if !w.wanted(c.cmd.Object) {
		c.refuse(&plan.Refusal{
			Status: schemas.StatusRejected, Code: schemas.CodeUnknownObject,
			Message: fmt.Sprintf("object %q is not configured for workspace %s", c.cmd.Object, w.cfg.Name),
			Remedy:  "add it to the workspace's objects",
		})
		return
	}
	rules := plan.Rules{Now: now, Custom: w.catalogue.of}
	if _, c.resumed = w.ledger.find(c.place()); c.resumed {
		rules = plan.Rules{} // it was in time, and its fields were known, when it was begun
	}
	order, refusal := w.order(ctx, &c.cmd, rules)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	if c.record.Key != nil {
		order.Chain = "k" + string(c.record.Key)
	}
	c.planned = order
	c.order = &c.planned
}

// order checks a command. A custom field that the catalogue does not have is
// looked for once more: somebody may have created it for this command.
func (w *workspace) order(ctx context.Context, c *schemas.Command, rules plan.Rules) (plan.Order, *plan.Refusal) {
	custom := rules.Custom != nil && namesCustom(c)
	if custom {
		w.catalogue.ensure(ctx)
	}
	order, refusal := plan.Check(*c, rules)
	if custom && refusal != nil && refusal.Code == schemas.CodeUnknownField && w.catalogue.renew(ctx) {
		return plan.Check(*c, rules)
	}
	return order, refusal
}

// refuse ends the command without an effect.
func (c *command) refuse(r *plan.Refusal) {
	c.ending = outcome{status: r.Status, effect: schemas.EffectNone, refusal: r, finished: time.Now()}
	c.result = &c.ending
}

// end ends the command with an effect.
func (c *command) end(effect schemas.Effect, recordID string) {
	c.ending = outcome{status: schemas.StatusOK, effect: effect, recordID: recordID, finished: time.Now()}
	c.result = &c.ending
}

func (c *command) String() string {
	return c.record.Topic + "/" + strconv.Itoa(int(c.record.Partition)) + "/" + strconv.FormatInt(c.record.Offset, 10)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
