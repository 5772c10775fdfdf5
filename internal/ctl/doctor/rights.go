package doctor

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// groups asks for the right to be in each group.
func (b broker) groups(ctx context.Context) {
	b.ask(ctx, b.x.groups(), kafka.MayJoin, question{
		name: "groups", yes: "%s may be in %s", no: "%s lacks Read on the groups %s", op: read, flag: "--group",
	})
}

// transactions asks for the right to write with each shard's transactional id.
func (b broker) transactions(ctx context.Context) {
	b.ask(ctx, b.x.transactionalIDs(), kafka.MayTransact, question{
		name: "transactions", yes: "%s may write transactions with %s", no: "%s lacks Write on the transactional ids %s", op: write, flag: "--transactional-id",
	})
}

// question is how a right is asked for and granted.
type question struct {
	name, yes, no string
	op            kmsg.ACLOperation
	flag          string // of kafka-acls
}

func (b broker) ask(ctx context.Context, subjects []string, may func(context.Context, *kgo.Client, string) error, q question) {
	ctx, cancel := b.limited(ctx)
	defer cancel()
	var denied []string
	for _, s := range subjects {
		err := may(ctx, b.cl, s)
		switch {
		case errors.Is(err, kafka.ErrDenied):
			denied = append(denied, s)
		case err != nil:
			b.failf(q.name, "see what the brokers log about it, and try again", "ask for the rights on %s: %v", s, err)
			return
		}
	}
	if denied != nil {
		b.failf(q.name, b.acl([]kmsg.ACLOperation{q.op}, b.grant(q.flag, denied, subjects)...), q.no, b.principal(), some(denied))
		return
	}
	b.okf(q.name, q.yes, b.principal(), some(subjects))
}

// grant names what was denied: by the name that starts them all, where that is
// all there is.
func (b broker) grant(flag string, denied, subjects []string) []string {
	if len(denied) == len(subjects) {
		return []string{flag, b.x.Config.Bridge + ".", "--resource-pattern-type prefixed"}
	}
	return flags(flag, denied)
}
