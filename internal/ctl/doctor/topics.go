package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
)

// topics looks at every topic of the chosen services: is it there, would its
// settings lose data, and may the user do what the service does with it.
func (b broker) topics(ctx context.Context) {
	needs, err := b.x.topics()
	if err != nil {
		b.failf("topics", "", "%v", err)
		return
	}
	ctx, cancel := b.limited(ctx)
	defer cancel()
	specs := make([]kafka.TopicSpec, len(needs))
	for i, n := range needs {
		specs[i] = n.spec
	}
	views, err := kafka.InspectTopics(ctx, b.cl, specs)
	if err != nil {
		b.away("topics", "the cluster stopped to answer: try again", err)
		return
	}
	b.settings(views)
	b.missing(ctx, views)
	b.rights(needs, views)
}

// settings tells which topics would lose data.
func (b broker) settings(views []kafka.TopicView) {
	there, good, unseen := 0, 0, ""
	if n := len(slices.DeleteFunc(slices.Clone(views), func(v kafka.TopicView) bool { return !v.Denied })); n > 0 {
		unseen = fmt.Sprintf("; %d may not be seen", n)
	}
	for _, v := range views {
		for _, f := range v.Faults {
			b.failf("topic "+f.Topic, f.Remedy, "%s is %s, want %s: data would be lost", f.Setting, f.Have, f.Want)
		}
		for _, w := range v.Warnings {
			b.warnf("topic "+w.Topic, w.Remedy, "%s is %s, planned is %s: messages are kept for a shorter time", w.Setting, w.Have, w.Want)
		}
		if v.Err != nil {
			b.failf("topic "+v.Spec.Name, b.acl([]kmsg.ACLOperation{kmsg.ACLOperationDescribeConfigs}, "--topic", v.Spec.Name), "%v", v.Err)
		}
		if v.There {
			there++
		}
		if v.There && v.Faults == nil && v.Err == nil {
			good++
		}
	}
	b.okf("topics", "%d of %d are there; the settings of %d of them keep all data%s", there, len(views), good, unseen)
}

// missing tells what is not there, and what becomes of it at the start.
func (b broker) missing(ctx context.Context, views []kafka.TopicView) {
	var made, refused []string
	for _, v := range views {
		switch {
		case v.Missing == nil:
			continue
		case !b.x.Config.Topics.Create:
			b.failf("topic "+v.Spec.Name, v.Missing.Remedy, "is missing, and KAFKA_CREATE_TOPICS is off")
			continue
		}
		switch err := kafka.MayCreate(ctx, b.cl, v.Spec); {
		case err == nil:
			made = append(made, v.Spec.Name)
		case errors.Is(err, kafka.ErrDenied):
			refused = append(refused, v.Spec.Name)
		default:
			b.failf("topic "+v.Spec.Name, "check TOPIC_REPLICATION_FACTOR and TOPIC_PARTITIONS, or create it by hand: "+v.Missing.Remedy, "is missing, and the cluster would not create it: %v", err)
		}
	}
	if made != nil {
		b.okf("create", "the cluster would create what is missing, and the services do it at their start: %s", some(made))
	}
	if refused != nil {
		b.failf("create", b.acl([]kmsg.ACLOperation{kmsg.ACLOperationCreate}, flags("--topic", refused)...)+
			", or set KAFKA_CREATE_TOPICS=false and create them by hand", "%s may not create what is missing: %s", b.principal(), some(refused))
	}
}

// rights groups the topics by what is lacking, so that one command grants it.
func (b broker) rights(needs []need, views []kafka.TopicView) {
	lacking := map[string][]string{}
	opsOf := map[string][]kmsg.ACLOperation{}
	var order []string
	told, untold := 0, 0
	for i, v := range views {
		var lacks []kmsg.ACLOperation
		switch {
		case v.Denied:
			lacks = append([]kmsg.ACLOperation{kmsg.ACLOperationDescribeConfigs}, needs[i].ops...)
		case !v.There:
			continue
		case !v.Rights.Known:
			untold++
			continue
		}
		told++
		for _, op := range needs[i].ops {
			if !v.Denied && !v.Rights.May(op) {
				lacks = append(lacks, op)
			}
		}
		if len(lacks) == 0 {
			continue
		}
		key := names(lacks)
		if lacking[key] == nil {
			order = append(order, key)
		}
		lacking[key], opsOf[key] = append(lacking[key], v.Spec.Name), lacks
	}
	for _, key := range order {
		b.failf("rights", b.acl(opsOf[key], flags("--topic", lacking[key])...), "%s lacks %s on %s", b.principal(), key, some(lacking[key]))
	}
	switch {
	case untold > 0:
		b.warnf("rights", "none: the services themselves will tell", "the cluster does not tell the rights on %s", count(untold, "topic"))
	case len(order) == 0 && told > 0:
		b.okf("rights", "%s may do with each of %s what the services do", b.principal(), count(told, "topic"))
	case len(order) == 0:
		b.okf("rights", "no topic is there yet: rights to read and write are known when one is")
	}
}

func names(ops []kmsg.ACLOperation) string {
	out := make([]string, len(ops))
	for i, op := range ops {
		out[i] = operation(op)
	}
	return strings.Join(out, ", ")
}
