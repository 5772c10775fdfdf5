package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// configs reads the settings of topics. kadm's own way gives up on all topics,
// without a name, when the settings of one may not be read; here each has its
// own error.
func (e ensurer) configs(ctx context.Context, specs []TopicSpec) (kadm.ResourceConfigs, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, s := range specs {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, s.Name
		req.Resources = append(req.Resources, r)
	}
	resp, err := req.RequestWith(ctx, e.cl)
	if err != nil {
		return nil, fmt.Errorf("read the settings of topics: %w", err)
	}
	var out kadm.ResourceConfigs
	for _, r := range resp.Resources {
		c := kadm.ResourceConfig{Name: r.ResourceName, Err: kerr.ErrorForCode(r.ErrorCode)}
		for _, kv := range r.Configs {
			c.Configs = append(c.Configs, kadm.Config{Key: kv.Name, Value: kv.Value})
		}
		out = append(out, c)
	}
	return out, nil
}
