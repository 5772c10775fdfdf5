package sinkfaults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/planhat-bridge/planhat-bridge/internal/shard"
	"github.com/planhat-bridge/planhat-bridge/test/rig"
)

// admin has a client that is the cluster's administrator.
func (w *world) admin() *kadm.Client { return kadm.NewClient(w.client()) }

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

// Row 27: a topic that is gone, or is not the one of the positions, holds the workspace,
// says so, and is no reason to begin again and again.
func TestTopicsAreNotAsTheyWere(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		topic  string
		change func(w *world, adm *kadm.Client)
	}{
		"the commands are deleted":     {commands, func(w *world, adm *kadm.Client) { w.done(adm.DeleteTopics(w.t.Context(), commands)) }},
		"the results are deleted":      {results, func(w *world, adm *kadm.Client) { w.done(adm.DeleteTopics(w.t.Context(), results)) }},
		"the dead letters are deleted": {deadLetters, func(w *world, adm *kadm.Client) { w.done(adm.DeleteTopics(w.t.Context(), deadLetters)) }},
		"the commands are recreated": {commands, func(w *world, adm *kadm.Client) {
			w.done(adm.DeleteTopics(w.t.Context(), commands))
			w.done(adm.CreateTopics(w.t.Context(), 2, 1, nil, commands))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{})
			w.start()
			w.work(busy)
			w.judge()
			tc.change(w, w.admin())
			if tc.topic != commands {
				w.send("waits", "waits", `"op":"upsert","object":"company","target":{"externalId":"waits"},"fields":{"name":"Waits"}`)
				w.send("waits", "poison", `"op":"merge"`)
			}
			if cause := w.untilState("held"); !strings.Contains(cause, tc.topic) && tc.topic != commands {
				t.Errorf("the cause does not name the topic: %s", cause)
			}
			if n := w.takeovers(); n > shard.DefaultShards+3 {
				t.Errorf("%v take-overs for one topic", n)
			}
			if code, _ := w.sink.Page("/healthz"); code != 200 {
				t.Errorf("a topic that is gone shows on /healthz: %d", code)
			}
			w.sink.Stop()
			if tc.topic == commands {
				return
			}
			w.sink = w.launch(w.wire, nil) // which creates it
			w.until("what waited is answered", func() bool {
				return w.status().State == "ok" && w.sink.Metric("planhat_bridge_sink_commands_total", `operation="upsert"`, `status="OK"`) >= 1
			})
			w.sink.Stop()
		})
	}
}

func (w *world) takeovers() float64 {
	return w.sink.Metric("planhat_bridge_sink_shard_takeovers_total")
}

// Row 27: partitions that are added are read, from their beginning.
func TestMorePartitions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	w.work(busy)
	w.done(w.admin().UpdatePartitions(t.Context(), 5, commands))
	to := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for n := range int32(5) {
		value := fmt.Sprintf(`{"id":"partition-%d","op":"upsert","object":"company","target":{"externalId":"p-%d"},"fields":{"name":"P"}}`, n, n)
		if err := to.ProduceSync(t.Context(), &kgo.Record{Topic: commands, Partition: n, Key: []byte(fmt.Sprint("p", n)), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		w.await(fmt.Sprint("partition-", n), time.Duration(float64(soon)*runnable()))
	}
	w.work(busy)
	w.judge()
	w.sink.Stop()
	w.nothingLeft()
}

// Row 27: retention has taken commands that nobody had read: what is lost is said, and
// the rest is carried out.
func TestRetentionHasTakenCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	w.work(busy)
	w.judge()
	w.sink.Stop()
	w.work(busy)
	ends, err := w.admin().ListEndOffsets(t.Context(), commands)
	if err != nil {
		t.Fatal(err)
	}
	w.done(w.admin().DeleteRecords(t.Context(), ends.Offsets()))
	w.sink = w.launch(w.wire, nil)
	w.fresh()
	if said := w.sink.Log.String(); !strings.Contains(said, "commands were removed by the topic's retention") {
		t.Error("the log does not say that commands are lost")
	}
	w.sink.Stop()
}

// Row 27: rights that are taken away in mid-run hold the workspace, which says which.
func TestRightsAreTakenAway(t *testing.T) {
	t.Parallel()
	var all []kfake.ACL
	for resource, name := range map[kmsg.ACLResourceType]string{
		kmsg.ACLResourceTypeTopic: "*", kmsg.ACLResourceTypeGroup: "*", kmsg.ACLResourceTypeTransactionalId: "*", kmsg.ACLResourceTypeCluster: "kafka-cluster",
	} {
		all = append(all, kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationAll, Allow: true})
	}
	for topic, op := range map[string]kmsg.ACLOperation{
		commands: kmsg.ACLOperationRead, results: kmsg.ACLOperationWrite, deadLetters: kmsg.ACLOperationWrite, names.State("sink"): kmsg.ACLOperationWrite,
	} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{
				options: []kfake.Opt{kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"), kfake.User("PLAIN", "bridge", "bridge", all...)},
				env:     map[string]string{"KAFKA_SASL_MECHANISM": "PLAIN", "KAFKA_SASL_USERNAME": "bridge", "KAFKA_SASL_PASSWORD": "bridge"},
			})
			w.kafka.SASL = plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()
			w.start()
			rule := kadm.NewACLs().Deny("User:bridge").DenyHosts("*").Operations(op).ResourcePatternType(kadm.ACLPatternLiteral).Topics(topic)
			if made, err := w.admin().CreateACLs(t.Context(), rule); err != nil || len(made) != 1 || made[0].Err != nil {
				t.Fatal(made, err)
			}
			w.work(busy)
			w.send("poison", "poison", `"op":"merge","object":"company"`)
			if cause := w.untilState("held"); !strings.Contains(cause, topic) && !strings.Contains(cause, "read the commands topic") {
				t.Errorf("the cause does not say what is missing: %s", cause)
			}
			if n := w.takeovers(); n > shard.DefaultShards+4 {
				t.Errorf("%v take-overs", n)
			}
			if gone, err := w.admin().DeleteACLs(t.Context(), rule); err != nil || len(gone) != 1 || len(gone[0].Deleted) != 1 {
				t.Fatal(gone, err)
			}
			w.refused["poison"] = "REJECTED UNKNOWN_OPERATION"
			w.fresh()
			w.judge()
			w.sink.Stop()
			w.nothingLeft()
		})
	}
}

// Row 30: state that a newer version has written holds the workspace and says so.
// Nothing is carried out by a version that does not know what was done.
func TestStateOfANewerVersion(t *testing.T) {
	t.Parallel()
	for kind, newer := range map[string]string{"p": `{"version":99}`, "i": `{"version":99,"creates":[]}`, "z": `{}`} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setting{})
			w.start()
			w.work(busy)
			w.judge()
			w.sink.Stop()
			w.write("demo\x00"+kind, []byte(newer))
			_, before := w.sim.Calls()
			w.sink = w.launch(w.wire, nil)
			w.work(busy)
			if cause := w.untilState("held"); !strings.Contains(cause, "newer") {
				t.Errorf("the cause is %s", cause)
			}
			if _, now := w.sim.Calls(); now["PUT /companies"] != before["PUT /companies"] || now["POST /companies"] != before["POST /companies"] {
				t.Error("commands are carried out all the same")
			}
			if n := w.takeovers(); n > shard.DefaultShards+3 {
				t.Errorf("%v take-overs", n)
			}
			w.sink.Stop()
			w.nothingLeft()
		})
	}
}

func (w *world) write(key string, value []byte) {
	w.t.Helper()
	cl := w.client(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err := cl.ProduceSync(w.t.Context(), &kgo.Record{Topic: names.State("sink"), Partition: ours, Key: []byte(key), Value: value}).FirstErr(); err != nil {
		w.t.Fatal(err)
	}
}

// Row 3: answers that are larger than what their topic takes are cut to what it takes,
// and hold nobody up.
func TestAnswersThatAreTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setting{})
	w.start()
	rig.LimitTopic(t, w.client(), results, 3000)
	rig.LimitTopic(t, w.client(), deadLetters, 3000)
	for n := range 3 {
		id := fmt.Sprint("large-", n)
		w.send("large", id, fmt.Sprintf(`"op":"upsert","object":"company","target":{"externalId":"large"},"coalesce":false,"fields":{"name":"Large","description":%q}`, rig.Noise(n, 9000)))
		w.refused[id+"-poison"] = "REJECTED UNKNOWN_OPERATION"
		w.send("large", id+"-poison", fmt.Sprintf(`"op":"merge","object":"company","fields":{"name":%q}`, rig.Noise(10+n, 9000)))
		w.refused[id+"-get"] = "REJECTED TOO_LARGE"
		w.send("large", id+"-get", `"op":"get","object":"company","target":{"externalId":"large"}`)
	}
	w.fresh()
	w.work(busy)
	w.judge()
	if n := w.takeovers(); n > shard.DefaultShards+3 {
		t.Errorf("%v take-overs: the limits were to be learned once", n)
	}
	w.sink.Stop()
	w.nothingLeft()
}
