package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

func allow(resource kmsg.ACLResourceType, name string, pattern kmsg.ACLResourcePatternType, op kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: resource, Name: name, Pattern: pattern, Operation: op, Allow: true}
}

// guarded is a cluster with ACLs, and the options of a user with these.
func guarded(t *testing.T, acls ...kfake.ACL) (admin, user Options) {
	t.Helper()
	_, o := cluster(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"), kfake.User("PLAIN", "bridge", "secret", acls...))
	admin, user = o, o
	admin.SASL = plain.Auth{User: "admin", Pass: "admin"}.AsMechanism()
	user.SASL = plain.Auth{User: "bridge", Pass: "secret"}.AsMechanism()
	return admin, user
}

func TestInspectTopics(t *testing.T) {
	const lit = kmsg.ACLResourcePatternTypeLiteral
	state, results, secret := testNames.StateTopic("source", testLayout), testNames.ResultTopic("planhat", "acme", testLayout), testNames.CommandTopic("planhat", "acme", testLayout)
	dead, blind := testNames.DeadLetterTopic("planhat", "acme", testLayout), testNames.SignalTopic(testLayout)
	admin, user := guarded(t,
		allow(kmsg.ACLResourceTypeTopic, state.Name, lit, kmsg.ACLOperationAll),
		allow(kmsg.ACLResourceTypeTopic, results.Name, lit, kmsg.ACLOperationWrite),
		allow(kmsg.ACLResourceTypeTopic, results.Name, lit, kmsg.ACLOperationDescribeConfigs),
		allow(kmsg.ACLResourceTypeTopic, dead.Name, lit, kmsg.ACLOperationDescribe),
		allow(kmsg.ACLResourceTypeTopic, blind.Name, lit, kmsg.ACLOperationWrite),
	)
	results.Config["retention.ms"] = "864000000"
	cl := client(t, admin)
	if err := EnsureTopics(t.Context(), cl, []TopicSpec{results, secret, blind}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(cl).CreateTopic(t.Context(), 5, 1, nil, state.Name); err != nil {
		t.Fatal(err)
	}
	results.Config["retention.ms"] = "1209600000"
	views, err := InspectTopics(t.Context(), client(t, user), []TopicSpec{state, results, secret, dead, blind})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []func(TopicView) bool{
		func(v TopicView) bool {
			return v.There && len(v.Faults) == 2 && v.Faults[0].Setting == "partitions" && v.Faults[1].Setting == "cleanup.policy" && v.Rights.May(kmsg.ACLOperationRead)
		},
		func(v TopicView) bool {
			return v.There && v.Faults == nil && len(v.Warnings) == 1 && v.Rights.Known && v.Rights.May(kmsg.ACLOperationWrite) && !v.Rights.May(kmsg.ACLOperationRead)
		},
		func(v TopicView) bool { return v.Denied && v.Err == nil && v.Missing == nil },
		func(v TopicView) bool { return v.Missing != nil && strings.Contains(v.Missing.Remedy, "--create") },
		func(v TopicView) bool {
			return v.There && v.Err != nil && strings.Contains(v.Err.Error(), "DescribeConfigs")
		},
	} {
		if !want(views[i]) {
			t.Errorf("view %d: %+v", i, views[i])
		}
	}
}

func TestRightsAreAskedWithoutWriting(t *testing.T) {
	const lit = kmsg.ACLResourcePatternTypeLiteral
	admin, user := guarded(t,
		allow(kmsg.ACLResourceTypeGroup, "mine", lit, kmsg.ACLOperationRead),
		allow(kmsg.ACLResourceTypeGroup, "seen", lit, kmsg.ACLOperationDescribe),
		allow(kmsg.ACLResourceTypeTransactionalId, "mine", lit, kmsg.ACLOperationWrite),
		allow(kmsg.ACLResourceTypeTransactionalId, "seen", lit, kmsg.ACLOperationDescribe),
		allow(kmsg.ACLResourceTypeTopic, "b", kmsg.ACLResourcePatternTypePrefixed, kmsg.ACLOperationCreate),
	)
	cl := client(t, user)
	ctx := t.Context()
	for name, ok := range map[string]bool{"mine": true, "seen": false, "other": false} {
		for what, err := range map[string]error{"group": MayJoin(ctx, cl, name), "transactional id": MayTransact(ctx, cl, name)} {
			if (err == nil) != ok || !ok && !errors.Is(err, ErrDenied) {
				t.Errorf("%s %s: %v", what, name, err)
			}
		}
	}
	if err := MayCreate(ctx, cl, testNames.SignalTopic(testLayout)); err != nil {
		t.Error(err)
	}
	if err := MayCreate(ctx, cl, testNames.ResultTopic("planhat", "acme", testLayout)); !errors.Is(err, ErrDenied) {
		t.Errorf("create without the right: %v", err)
	}
	wide := testNames.SignalTopic(Layout{Partitions: 1, ReplicationFactor: 3})
	if err := MayCreate(ctx, cl, wide); err == nil || errors.Is(err, ErrDenied) {
		t.Errorf("three replicas on one broker: %v", err)
	}
	if r, err := ClusterRights(ctx, cl); err != nil || r.Known {
		t.Errorf("rights on the cluster: %+v, %v", r, err)
	}
	// Nothing was made by asking.
	adm := kadm.NewClient(client(t, admin))
	topics, err := adm.ListTopics(ctx)
	if err != nil || len(topics) != 0 {
		t.Errorf("topics %v, %v", topics.Names(), err)
	}
	groups, err := adm.ListGroups(ctx)
	if err != nil || len(groups) != 0 {
		t.Errorf("groups %v, %v", groups, err)
	}
	ids, err := adm.ListTransactions(ctx, nil, nil)
	if err != nil || len(ids) != 0 {
		t.Errorf("transactional ids %v, %v", ids, err)
	}
	if r, err := ClusterRights(ctx, client(t, admin)); err != nil || !r.May(kmsg.ACLOperationIdempotentWrite) {
		t.Errorf("rights of a superuser: %+v, %v", r, err)
	}
}

func TestInspectCluster(t *testing.T) {
	_, o := cluster(t)
	if v, err := InspectCluster(t.Context(), client(t, o)); err != nil || v.Brokers != 1 || v.Version == "" || v.Lacks != nil {
		t.Errorf("%+v, %v", v, err)
	}
	_, o = cluster(t, kfake.MaxVersions(kversion.V2_6_0()))
	if v, err := InspectCluster(t.Context(), client(t, o, kgo.MaxVersions(kversion.V2_6_0()))); err != nil || len(v.Lacks) != 1 || !strings.Contains(v.Lacks[0], "2.8") {
		t.Errorf("%+v, %v", v, err)
	}
}

// A cluster that says nothing of the rights in a group is asked by a heartbeat.
func TestMayJoinAsksByHeartbeat(t *testing.T) {
	c, o := cluster(t)
	for code, want := range map[int16]error{kerr.UnknownMemberID.Code: nil, kerr.GroupAuthorizationFailed.Code: ErrDenied} {
		c.ControlKey(int16(kmsg.DescribeGroups), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
			g := kmsg.NewDescribeGroupsResponseGroup()
			g.Group, g.ErrorCode = "g", kerr.GroupIDNotFound.Code
			resp.Groups = append(resp.Groups, g)
			return resp, nil, true
		})
		c.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
			resp.ErrorCode = code
			return resp, nil, true
		})
		if err := MayJoin(t.Context(), client(t, o), "g"); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// A service that may not read the settings of one topic names it.
func TestEnsureTopicsNamesTheTopicWithoutRights(t *testing.T) {
	const lit = kmsg.ACLResourcePatternTypeLiteral
	seen, blind := testNames.NotificationTopic(testLayout), testNames.SignalTopic(testLayout)
	admin, user := guarded(t,
		allow(kmsg.ACLResourceTypeTopic, seen.Name, lit, kmsg.ACLOperationAll), allow(kmsg.ACLResourceTypeTopic, blind.Name, lit, kmsg.ACLOperationWrite))
	if err := EnsureTopics(t.Context(), client(t, admin), []TopicSpec{seen, blind}, true); err != nil {
		t.Fatal(err)
	}
	err := EnsureTopics(t.Context(), client(t, user), []TopicSpec{seen, blind}, true)
	if err == nil || !strings.Contains(err.Error(), blind.Name+": ") || !strings.Contains(err.Error(), "grant the user DescribeConfigs") || strings.Contains(err.Error(), seen.Name) {
		t.Error(err)
	}
}

// A coordinator that is not ready yet is asked again, until ctx ends.
func TestRightsAreAskedUntilTheCoordinatorIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		err := settled(t.Context(), func() error {
			if asked++; asked < 3 {
				return fmt.Errorf("ask: %w", kerr.CoordinatorNotAvailable)
			}
			return ErrDenied
		})
		if !errors.Is(err, ErrDenied) || asked != 3 {
			t.Errorf("%v after %d questions", err, asked)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := settled(ctx, func() error { return kerr.CoordinatorNotAvailable }); !errors.Is(err, kerr.CoordinatorNotAvailable) {
			t.Error(err)
		}
	})
}
