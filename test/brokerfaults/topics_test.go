package brokerfaults

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	planhatsim "github.com/planhat-bridge/planhat-bridge/internal/simulator/planhat"
	"github.com/planhat-bridge/planhat-bridge/test/rig/wait"
)

// A topic that is not the one of the state any more: its stream is held and says
// what to do, at no cost for the others.
func TestTopicsThatAreNotAsTheyWere(t *testing.T) {
	t.Parallel()
	licenses := changesOf("license")
	for name, tc := range map[string]struct {
		change func(w *world, adm *kadm.Client)
		says   string
	}{
		"deleted": {func(w *world, adm *kadm.Client) {
			w.done(adm.DeleteTopics(w.t.Context(), licenses))
		}, "is not there any more"},
		"recreated": {func(w *world, adm *kadm.Client) {
			w.done(adm.DeleteTopics(w.t.Context(), licenses))
			w.done(adm.CreateTopics(w.t.Context(), 2, 1, nil, licenses))
		}, "was created anew"},
		"widened": {func(w *world, adm *kadm.Client) {
			w.done(adm.UpdatePartitions(w.t.Context(), 5, licenses))
		}, "has 5 partitions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{})
			w.start()
			w.admin(func(adm *kadm.Client) { tc.change(w, adm) })
			wait.Until(t, "the stream is held and says what to do", metWithin, func() bool {
				w.live(2)
				s := w.stream("licenses")
				return s.State == "held" && strings.Contains(s.Cause, tc.says) && strings.Contains(s.Cause, "to repair: ")
			})
			for range 3 {
				w.live(10)
				w.fresh()
			}
			if n := w.source.Metric("planhat_bridge_source_shard_takeovers_total"); n > shard.DefaultShards+2 {
				t.Errorf("%v take-overs for one topic", n)
			}
			w.judgeBut("license")
			w.source.Stop()
		})
	}
}

// The images before have gone with the log's start: before is empty, and counted.
func TestRetentionHasTakenTheImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	kept, dropped := w.company(`{"name":"kept"}`), w.company(`{"name":"dropped"}`)
	w.seen(kept, prompt)
	w.seen(dropped, prompt)
	w.admin(func(adm *kadm.Client) {
		ends, err := adm.ListEndOffsets(t.Context(), changesOf("company"))
		if err != nil {
			t.Fatal(err)
		}
		w.done(adm.DeleteRecords(t.Context(), ends.Offsets()))
	})
	w.edit("companies", kept, `{"phase":"after"}`)
	w.stage.Simulator.Mutate(func(tx *planhatsim.Tx) {
		if err := tx.Delete("companies", dropped); err != nil {
			t.Error(err)
		}
	})
	wait.Until(t, "the delete is written", metWithin, func() bool { return w.last("company", dropped).Op == "d" })
	if e := w.last("company", dropped); string(e.Before) != `{"_id":"`+dropped+`"}` {
		t.Errorf("the delete's before is %s", e.Before)
	}
	if e := w.last("company", kept); e.Op != "u" || e.Before != nil || !strings.Contains(string(e.After), "after") {
		t.Errorf("the update is op %q, before %s, after %s", e.Op, e.Before, e.After)
	}
	if n := w.source.Metric("planhat_bridge_source_before_missing_total", `object="company"`); n < 2 {
		t.Errorf("%v images are counted as missing", n)
	}
	w.source.Stop()
}

// The state topic is gone: the source says so and what to do, and neither ends
// nor takes the shard over again and again.
func TestStateTopicIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	w.admin(func(adm *kadm.Client) { w.done(adm.DeleteTopics(t.Context(), names.State("source"))) })
	wait.Until(t, "the status says that the state is gone", metWithin, func() bool {
		w.live(2)
		st := w.source.status().Workspaces[0]
		return st.State == "held" && strings.Contains(st.Cause, names.State("source")) && strings.Contains(st.Cause, "to repair: ")
	})
	if n := w.source.Metric("planhat_bridge_source_shard_takeovers_total"); n > shard.DefaultShards+1 {
		t.Errorf("%v take-overs", n)
	}
	w.source.Stop()
	w.source = w.launch(w.wire, nil) // which creates it
	w.fresh()
	w.source.Stop()
}

// acls is a setting in which every right is given one by one to user "bridge".
func acls() setting {
	var all []kfake.ACL
	for _, resource := range []kmsg.ACLResourceType{kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup, kmsg.ACLResourceTypeTransactionalId, kmsg.ACLResourceTypeCluster} {
		name := "*"
		if resource == kmsg.ACLResourceTypeCluster {
			name = "kafka-cluster"
		}
		all = append(all, kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true})
	}
	return setting{
		options: []kfake.Opt{
			kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"), kfake.User("PLAIN", "bridge", "bridge", all...),
		},
		env: map[string]string{"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "bridge", "KAFKA_SASL_PASSWORD": "bridge"},
	}
}

// Rights that are taken away in mid-run and given back: what lacks them is held
// and says which, everything else goes on, and nothing is lost.
func TestRightsAreTakenAway(t *testing.T) {
	t.Parallel()
	topic, group, txn := kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup, kmsg.ACLResourceTypeTransactionalId
	for name, tc := range map[string]struct {
		resource kmsg.ACLResourceType
		of       string
		op       kmsg.ACLOperation
		poke     func(*world) // makes the cluster look at the right
		stream   string       // the only one that is held; "": the whole workspace
		says     string
	}{
		"write a change topic":  {topic, changesOf("license"), kmsg.ACLOperationWrite, nil, "licenses", "write topic " + changesOf("license")},
		"a change topic":        {topic, changesOf("license"), kmsg.ACLOperationAll, nil, "licenses", "TOPIC_AUTHORIZATION_FAILED"},
		"write the state topic": {topic, names.State("source"), kmsg.ACLOperationWrite, nil, "", "write topic " + names.State("source")},
		"the transactional id":  {txn, ourID, kmsg.ACLOperationAll, nil, "", "transactional ids that begin with planhat-bridge.source-"},
		"the group":             {group, names.ShardGroup("source"), kmsg.ACLOperationAll, func(w *world) { w.putOut("source-0") }, "", "groups that begin with planhat-bridge."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := acls()
			w := newWorld(t, s)
			w.kafka.SASL = plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()
			w.start()
			rule := kadm.NewACLs().Deny("User:bridge").DenyHosts("*").Operations(tc.op).ResourcePatternType(kadm.ACLPatternLiteral)
			switch tc.resource {
			case topic:
				rule = rule.Topics(tc.of)
			case group:
				rule = rule.Groups(tc.of)
			default:
				rule = rule.TransactionalIDs(tc.of)
			}
			w.admin(func(adm *kadm.Client) {
				if made, err := adm.CreateACLs(t.Context(), rule); err != nil || len(made) != 1 || made[0].Err != nil {
					t.Fatal(made, err)
				}
			})
			if tc.poke != nil {
				tc.poke(w)
			}
			wait.Until(t, "the status says which right is missing", metWithin, func() bool {
				w.live(3)
				st := w.source.status().Workspaces[0]
				if tc.stream != "" {
					at := w.stream(tc.stream)
					return at.State == "held" && strings.Contains(at.Cause, tc.says)
				}
				return st.State == "held" && strings.Contains(st.Cause, tc.says) && strings.Contains(st.Cause, "to repair: ")
			})
			if tc.stream != "" {
				for range 2 {
					w.live(10)
					w.fresh()
				}
			}
			w.admin(func(adm *kadm.Client) {
				if gone, err := adm.DeleteACLs(t.Context(), rule); err != nil || len(gone) != 1 || len(gone[0].Deleted) != 1 {
					t.Fatal(gone, err)
				}
			})
			w.live(10)
			w.fresh()
			w.judge()
			if n := w.source.Metric("planhat_bridge_source_shard_takeovers_total"); n > 2*shard.DefaultShards+2 {
				t.Errorf("%v take-overs", n)
			}
			w.source.Stop()
		})
	}
}

// admin has a client for a moment.
func (w *world) admin(do func(*kadm.Client)) {
	w.t.Helper()
	cl := w.client()
	defer cl.Close()
	do(kadm.NewClient(cl))
}

// done fails unless an administrative request was carried out whole.
func (w *world) done(answers interface{ Error() error }, err error) {
	w.t.Helper()
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
