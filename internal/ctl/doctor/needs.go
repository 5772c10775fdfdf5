package doctor

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
	"github.com/planhat-bridge/planhat-bridge/internal/kafka"
	"github.com/planhat-bridge/planhat-bridge/planhat"
	"github.com/planhat-bridge/planhat-bridge/schemas"
)

// need is a topic and what a service does with it.
type need struct {
	spec   kafka.TopicSpec
	ops    []kmsg.ACLOperation
	schema string // of its values, which the service registers; "": none
}

const (
	read  = kmsg.ACLOperationRead
	write = kmsg.ACLOperationWrite
)

// topics lists what the chosen services read and write.
func (x *examiner) topics() ([]need, error) {
	var out []need
	if x.has(Source) {
		needs, err := sourceNeeds(x.names(), x.layout(), x.Config.Planhat)
		if err != nil {
			return nil, err
		}
		out = append(out, needs...)
		if needs, err = accountNeeds(x.names(), x.layout(), x.Config.Pipedrive); err != nil {
			return nil, err
		}
		out = append(out, needs...)
	}
	if x.has(Sink) {
		out = append(out, sinkNeeds(x.names(), x.layout(), x.Config.Planhat)...)
	}
	return out, nil
}

func sourceNeeds(n kafka.Names, l kafka.Layout, workspaces []config.Workspace) ([]need, error) {
	out := []need{
		{spec: n.StateTopic(Source, l), ops: []kmsg.ACLOperation{read, write}},
		{spec: n.SignalTopic(l), ops: []kmsg.ACLOperation{read}},
		{spec: n.NotificationTopic(l), ops: []kmsg.ACLOperation{write}},
	}
	for _, ws := range workspaces {
		for _, spec := range planhat.Objects() {
			if !wanted(ws, spec) {
				continue
			}
			codec, err := schemas.NewCodec(vendor, string(spec.Object))
			if err != nil {
				return nil, err
			}
			topic := n.ChangeTopic(vendor, ws.Name, string(spec.Object), l)
			out = append(out, need{spec: topic, ops: []kmsg.ACLOperation{read, write}, schema: codec.EnvelopeSchema()})
		}
	}
	return out, nil
}

// accountNeeds: the intake writes the webhooks, the owner of the account reads them.
func accountNeeds(n kafka.Names, l kafka.Layout, accounts []config.Account) ([]need, error) {
	var out []need
	for _, a := range accounts {
		for _, object := range accountObjects(a) {
			codec, err := schemas.NewCodec(pipedriveName, object)
			if err != nil {
				return nil, err
			}
			topic := n.ChangeTopic(pipedriveName, a.Name, object, l)
			out = append(out, need{spec: topic, ops: []kmsg.ACLOperation{read, write}, schema: codec.EnvelopeSchema()})
		}
		out = append(out, need{spec: n.WebhookTopic(a.Name, l), ops: []kmsg.ACLOperation{read, write}})
	}
	return out, nil
}

func sinkNeeds(n kafka.Names, l kafka.Layout, workspaces []config.Workspace) []need {
	out := []need{{spec: n.StateTopic(Sink, l), ops: []kmsg.ACLOperation{read, write}}}
	for _, ws := range workspaces {
		out = append(out,
			need{spec: n.CommandTopic(vendor, ws.Name, l), ops: []kmsg.ACLOperation{read}},
			need{spec: n.ResultTopic(vendor, ws.Name, l), ops: []kmsg.ACLOperation{write}, schema: schemas.ResultSchema()},
			need{spec: n.DeadLetterTopic(vendor, ws.Name, l), ops: []kmsg.ACLOperation{write}})
	}
	return out
}

// groups lists the groups that the chosen services are in.
func (x *examiner) groups() []string {
	var out []string
	for _, role := range x.Roles {
		out = append(out, x.names().ShardGroup(role))
	}
	if x.has(Sink) {
		for _, ws := range x.Config.Planhat {
			out = append(out, x.names().CommandGroup(vendor, ws.Name))
		}
	}
	if x.has(Source) {
		for _, a := range x.Config.Pipedrive {
			out = append(out, x.names().WebhookGroup(a.Name))
		}
	}
	return out
}

// transactionalIDs lists those of every shard of the chosen services.
func (x *examiner) transactionalIDs() []string {
	var out []string
	for _, role := range x.Roles {
		for shard := range int32(kafka.StatePartitions) {
			out = append(out, x.names().TransactionalID(role, shard))
		}
	}
	return out
}
