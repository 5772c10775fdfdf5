package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrDenied says that the user has not the right that was asked for.
var ErrDenied = errors.New("not allowed")

// feature is something of the protocol that the bridge cannot do without.
type feature struct {
	name    string
	key     kmsg.Key
	version int16
	since   string // release of Apache Kafka
}

var features = []feature{
	{"transactions that fence", kmsg.InitProducerID, 3, "2.5"},
	{"topic ids", kmsg.Metadata, 10, "2.8"},
	{"static group members", kmsg.JoinGroup, 5, "2.3"},
	{"the end of committed records", kmsg.ListOffsets, 2, "0.11"},
}

// ClusterView is what brokers say of themselves.
type ClusterView struct {
	Brokers int
	Version string   // what they seem to be; "" where they do not answer
	Lacks   []string // what the bridge needs and some broker has not
}

// InspectCluster asks every broker what it can do.
func InspectCluster(ctx context.Context, cl *kgo.Client) (ClusterView, error) {
	versions, err := kadm.NewClient(cl).ApiVersions(ctx)
	if err != nil {
		return ClusterView{}, fmt.Errorf("ask brokers for their versions: %w", err)
	}
	out := ClusterView{Brokers: len(versions)}
	lacks := map[string]bool{}
	for _, broker := range versions.Sorted() {
		if broker.Err != nil {
			return ClusterView{}, fmt.Errorf("ask broker %d for its versions: %w", broker.NodeID, broker.Err)
		}
		if out.Version == "" {
			out.Version = broker.VersionGuess()
		}
		for _, f := range features {
			if most, ok := broker.KeyMaxVersion(f.key.Int16()); (!ok || most < f.version) && !lacks[f.name] {
				lacks[f.name] = true
				out.Lacks = append(out.Lacks, fmt.Sprintf("%s (since Kafka %s)", f.name, f.since))
			}
		}
	}
	return out, nil
}

// ClusterRights are what the user may do with the cluster as a whole. A user
// who may not describe it is told of no rights.
func ClusterRights(ctx context.Context, cl *kgo.Client) (Rights, error) {
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return Rights{}, fmt.Errorf("describe the cluster: %w", err)
	}
	r := rightsOf(resp.ClusterAuthorizedOperations)
	r.Known = r.Known && r.allowed != 0
	return r, nil
}

// MayCreate asks the cluster whether it would create a topic, which it then
// does not. The error is ErrDenied, or says what is wrong with the spec.
func MayCreate(ctx context.Context, cl *kgo.Client, s TopicSpec) error {
	config := make(map[string]*string, len(s.Config))
	for k, v := range s.Config {
		config[k] = new(v)
	}
	answers, err := kadm.NewClient(cl).ValidateCreateTopics(ctx, s.Partitions, s.ReplicationFactor, config, s.Name)
	if err == nil {
		answer := answers[s.Name]
		if err = answer.Err; err != nil && answer.ErrMessage != "" {
			err = fmt.Errorf("%w: %s", err, answer.ErrMessage)
		}
	}
	if errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return denied(err)
}

// A member and a producer id that no cluster has given to anybody: a request in
// their name is refused, after the rights of the user were checked.
const (
	strangeMember   = "planhatctl-doctor"
	strangeProducer = math.MaxInt64
)

// MayJoin asks whether the user may be a member of a group. Where the cluster
// does not tell (since 4.0 it is silent about groups that do not exist), it is
// asked by a heartbeat of a member that does not exist, which no group notices.
func MayJoin(ctx context.Context, cl *kgo.Client, group string) error {
	return settled(ctx, func() error { return mayJoin(ctx, cl, group) })
}

func mayJoin(ctx context.Context, cl *kgo.Client, group string) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups, req.IncludeAuthorizedOperations = []string{group}, true
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && len(resp.Groups) == 1 {
		err = kerr.ErrorForCode(resp.Groups[0].ErrorCode)
		if rights := rightsOf(resp.Groups[0].AuthorizedOperations); rights.Known {
			if rights.May(kmsg.ACLOperationRead) {
				return nil
			}
			return fmt.Errorf("%w: %w", ErrDenied, kerr.GroupAuthorizationFailed)
		}
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return denied(err)
	}
	return beat(ctx, cl, group)
}

func beat(ctx context.Context, cl *kgo.Client, group string) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = group, strangeMember, -1
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	return refusal(err, kerr.UnknownMemberID, kerr.IllegalGeneration, kerr.GroupIDNotFound)
}

// MayTransact asks whether the user may write with a transactional id: the end
// of a transaction of a producer that does not exist, which changes none.
func MayTransact(ctx context.Context, cl *kgo.Client, id string) error {
	return settled(ctx, func() error {
		req := kmsg.NewPtrEndTxnRequest()
		req.TransactionalID, req.ProducerID = id, strangeProducer
		resp, err := req.RequestWith(ctx, cl)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		return refusal(err, kerr.InvalidProducerIDMapping, kerr.InvalidProducerEpoch, kerr.ProducerFenced, kerr.InvalidTxnState)
	})
}

// coordinatorPause is between two questions to a coordinator that is not ready.
const coordinatorPause = 200 * time.Millisecond

// settled asks until the coordinator is there, or ctx ends. On a new cluster the
// first question makes the brokers set up their own topic of coordinators, which
// takes a moment.
func settled(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		if !unsettled(err) || pause(ctx, coordinatorPause) != nil {
			return err
		}
	}
}

func unsettled(err error) bool {
	return errors.Is(err, kerr.CoordinatorNotAvailable) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.NotCoordinator)
}

// refusal is nil for the refusals that only somebody with the right can get.
func refusal(err error, expected ...*kerr.Error) error {
	for _, e := range expected {
		if errors.Is(err, e) {
			return nil
		}
	}
	return denied(err)
}

// denials are what the lack of a right is called.
var denials = []*kerr.Error{
	kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed,
}

func denied(err error) error {
	for _, d := range denials {
		if errors.Is(err, d) {
			return fmt.Errorf("%w: %w", ErrDenied, err)
		}
	}
	return err
}
