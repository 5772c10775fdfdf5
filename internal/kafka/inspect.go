package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicView is what this client can see of a topic. Nothing is changed to find
// it out.
type TopicView struct {
	Spec     TopicSpec
	There    bool
	Denied   bool          // the cluster does not tell this user whether it is there
	Missing  *TopicError   // nil: it is there, or nobody can tell
	Faults   []*TopicError // settings that would lose data
	Warnings []*TopicError // settings that keep data for a shorter time than planned
	Rights   Rights
	Err      error // of asking for it or for its settings; nil for Denied
}

// Rights are the operations that a user may do with something.
type Rights struct {
	Known   bool // false: the cluster did not tell
	allowed int32
}

// May reports whether an operation is allowed.
func (r Rights) May(op kmsg.ACLOperation) bool { return r.allowed&(1<<op) != 0 }

func rightsOf(bits int32) Rights {
	const omitted = -1 << 31 // what a cluster says that was not asked, or does not tell
	return Rights{Known: bits != omitted, allowed: bits}
}

// InspectTopics holds topics against their specs as EnsureTopics does, and asks
// what this user may do with each. It only reads. The error is that of a
// cluster that does not answer.
func InspectTopics(ctx context.Context, cl *kgo.Client, specs []TopicSpec) ([]TopicView, error) {
	e := ensurer{cl: cl, adm: kadm.NewClient(cl), brokers: seeds(cl)}
	out, partitions, err := e.look(ctx, specs)
	if err != nil {
		return nil, err
	}
	var there []TopicSpec
	for _, v := range out {
		if v.There {
			there = append(there, v.Spec)
		}
	}
	if len(there) == 0 {
		return out, nil
	}
	configs, err := e.configs(ctx, there)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].There {
			e.hold(&out[i], partitions[out[i].Spec.Name], configs)
		}
	}
	return out, nil
}

// look asks for topics one by one in one request: other than kadm, which gives
// up on all when one may not be seen.
func (e ensurer) look(ctx context.Context, specs []TopicSpec) ([]TopicView, map[string]int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.IncludeTopicAuthorizedOperations = true
	for _, s := range specs {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = new(s.Name)
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, e.cl)
	if err != nil {
		return nil, nil, fmt.Errorf("describe topics: %w", err)
	}
	answers := map[string]kmsg.MetadataResponseTopic{}
	for _, t := range resp.Topics {
		if t.Topic != nil {
			answers[*t.Topic] = t
		}
	}
	out, partitions := make([]TopicView, len(specs)), map[string]int32{}
	for i, s := range specs {
		answer, ok := answers[s.Name]
		partitions[s.Name] = int32(len(answer.Partitions))
		out[i] = e.view(s, answer, ok)
	}
	return out, partitions, nil
}

func (e ensurer) view(s TopicSpec, answer kmsg.MetadataResponseTopic, answered bool) TopicView {
	v := TopicView{Spec: s}
	switch err := kerr.ErrorForCode(answer.ErrorCode); {
	case !answered, errors.Is(err, kerr.UnknownTopicOrPartition):
		v.Missing = missing(s, e.brokers)
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		v.Denied = true
	case err != nil:
		v.Err = fmt.Errorf("describe topic %s: %w", s.Name, err)
	default:
		v.There, v.Rights = true, rightsOf(answer.AuthorizedOperations)
	}
	return v
}

// hold judges the settings of a topic that is there.
func (e ensurer) hold(v *TopicView, partitions int32, configs kadm.ResourceConfigs) {
	settings, err := settingsOf(configs, v.Spec.Name)
	if err != nil {
		v.Err = err
		return
	}
	var warnings []string
	v.Faults, warnings = judge(v.Spec, partitions, settings, e.brokers)
	for _, name := range warnings {
		want := v.Spec.Config[name]
		v.Warnings = append(v.Warnings, &TopicError{
			Topic: v.Spec.Name, Setting: name, Want: want, Have: settings[name], Remedy: alterCommand(v.Spec.Name, name, want, e.brokers),
		})
	}
}
