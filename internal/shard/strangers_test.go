package shard

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func at(topic string, offsets ...int64) []*kgo.Record {
	var out []*kgo.Record
	for _, o := range offsets {
		out = append(out, &kgo.Record{Topic: topic, Offset: o})
	}
	return out
}

// What one lease sees in the offsets of its transactions.
func TestStrangersShowInTheOffsets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transactions [][]*kgo.Record
		want         []string // topics that a stranger has written to, by the last transaction
	}{
		"alone":                               {[][]*kgo.Record{at("a", 5, 6), at("a", 8)}, nil},
		"alone, a marker at the begin too":    {[][]*kgo.Record{at("a", 5, 6), at("a", 9)}, nil},
		"the first transaction knows nothing": {[][]*kgo.Record{at("a", 5000)}, nil},
		"a foreign transaction between two":   {[][]*kgo.Record{at("a", 5, 6), at("a", 10)}, []string{"a"}},
		"a foreign record inside":             {[][]*kgo.Record{at("a", 5, 6, 8)}, []string{"a"}},
		"each partition by itself": {
			[][]*kgo.Record{slices.Concat(at("a", 5), at("b", 70)), slices.Concat(at("a", 7), at("b", 90)), slices.Concat(at("b", 92), at("a", 20))}, []string{"a"},
		},
		"acks without offsets prove nothing": {[][]*kgo.Record{at("a", 5), at("a", -1), at("a", 99)}, nil},
	} {
		seen := tails{}
		var last []place
		for _, records := range c.transactions {
			last = seen.strangers(records)
		}
		var got []string
		for _, p := range last {
			got = append(got, p.topic)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestAstray(t *testing.T) {
	t.Parallel()
	const shards = 4
	a, b := "planhat/a", "planhat/b"
	all := []int32{0, 1, 2, 3}
	for name, c := range map[string]struct {
		members []member
		want    map[string]string
	}{
		"the same everywhere":   {[]member{{name: "p", shards: all, tokens: []string{a, b}, says: true}, {name: "q", tokens: []string{a, b}, says: true}}, map[string]string{}},
		"the owner knows less":  {[]member{{name: "p", shards: all, tokens: []string{a}, says: true}, {name: "q", tokens: []string{a, b}, says: true}}, map[string]string{b: "p"}},
		"the owner knows more":  {[]member{{name: "p", shards: all, tokens: []string{a, b}, says: true}, {name: "q", tokens: []string{b}, says: true}}, map[string]string{}},
		"disjoint":              {[]member{{name: "p", shards: all, tokens: []string{a}, says: true}, {name: "q", tokens: []string{b}, says: true}}, map[string]string{b: "p"}},
		"the owner is silent":   {[]member{{name: "p", shards: all}, {name: "q", tokens: []string{b}, says: true}}, map[string]string{}},
		"nobody owns it so far": {[]member{{name: "q", tokens: []string{b}, says: true}}, map[string]string{}},
	} {
		got := astray(c.members, shards)
		if len(got) != len(c.want) || got[b] != c.want[b] || got[a] != c.want[a] {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestAnnouncedTokensComeBack(t *testing.T) {
	t.Parallel()
	balancer := announcing{kgo.CooperativeStickyBalancer(), []string{"planhat/a", "planhat/b"}}
	plain := kgo.CooperativeStickyBalancer().JoinGroupMetadata([]string{"t"}, map[string][]int32{"t": {1, 2}}, 7)
	said := balancer.JoinGroupMetadata([]string{"t"}, map[string][]int32{"t": {1, 2}}, 7)
	var meta kmsg.ConsumerMemberMetadata
	if err := meta.ReadFrom(said); err != nil || meta.Generation != 7 || len(meta.OwnedPartitions) != 1 {
		t.Fatalf("what the balancer says itself is lost: %+v, %v", meta, err)
	}
	if tokens, ok := announced(meta.UserData); !ok || !slices.Equal(tokens, balancer.tokens) {
		t.Errorf("got %v, %t", tokens, ok)
	}
	if tokens, ok := announced(plain); ok {
		t.Errorf("a member that says nothing was heard to say %v", tokens)
	}
}
