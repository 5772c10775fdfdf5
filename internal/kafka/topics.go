package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// EnsureTopics creates the topics that are missing and verifies the others.
// With create false it only verifies.
//
// Everything wrong is reported at once, joined: *TopicError for what must be
// repaired (each with a command line), other errors for what could not be
// asked or done. A setting that would lose data is refused; one that keeps data for a
// shorter time than planned, but at least a day, is a warning in the client's
// log; others may differ.
func EnsureTopics(ctx context.Context, cl *kgo.Client, specs []TopicSpec, create bool) error {
	e := ensurer{cl: cl, adm: kadm.NewClient(cl), brokers: seeds(cl)}
	there, err := e.list(ctx, specs)
	if err != nil {
		return err
	}
	var faults []error
	var check []TopicSpec
	for _, s := range specs {
		switch d := there[s.Name]; {
		case d.Err == nil:
			check = append(check, s)
		case !errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			faults = append(faults, fmt.Errorf("describe topic %s: %w", s.Name, d.Err))
		case !create:
			faults = append(faults, missing(s, e.brokers))
		default:
			// Verified afterwards too: another process may have been first.
			if err := e.create(ctx, s); err != nil {
				faults = append(faults, err)
			} else {
				check = append(check, s)
			}
		}
	}
	return errors.Join(append(faults, e.verify(ctx, check)...)...)
}

type ensurer struct {
	cl      *kgo.Client
	adm     *kadm.Client
	brokers string
}

// seeds is the address for the command lines of remedies.
func seeds(cl *kgo.Client) string {
	addrs, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	return strings.Join(addrs, ",")
}

func (e ensurer) list(ctx context.Context, specs []TopicSpec) (kadm.TopicDetails, error) {
	if len(specs) == 0 {
		return kadm.TopicDetails{}, nil // no name would mean all topics
	}
	names := make([]string, len(specs))
	for i, s := range specs {
		names[i] = s.Name
	}
	details, err := e.adm.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	for _, n := range names {
		if _, ok := details[n]; !ok {
			details[n] = kadm.TopicDetail{Topic: n, Err: kerr.UnknownTopicOrPartition}
		}
	}
	return details, nil
}

func (e ensurer) create(ctx context.Context, s TopicSpec) error {
	config := make(map[string]*string, len(s.Config))
	for k, v := range s.Config {
		config[k] = new(v)
	}
	resp, err := e.adm.CreateTopic(ctx, s.Partitions, s.ReplicationFactor, config, s.Name)
	if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	if resp.ErrMessage != "" {
		err = fmt.Errorf("%w: %s", err, resp.ErrMessage)
	}
	return fmt.Errorf("create topic %s: %w; to create it by hand: %s", s.Name, err, createCommand(s, e.brokers))
}

const (
	visibleWithin = 15 * time.Second
	visiblePause  = 50 * time.Millisecond
)

// verify waits until every broker asked knows the topics, which takes a moment
// after a creation, and judges their settings.
func (e ensurer) verify(ctx context.Context, specs []TopicSpec) []error {
	if len(specs) == 0 {
		return nil
	}
	details, err := e.visible(ctx, specs)
	if err != nil {
		return []error{err}
	}
	configs, err := e.configs(ctx, specs)
	if err != nil {
		return []error{err}
	}
	var faults []error
	for _, s := range specs {
		settings, err := settingsOf(configs, s.Name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		wrong, warnings := judge(s, int32(len(details[s.Name].Partitions)), settings, e.brokers)
		for _, w := range wrong {
			faults = append(faults, w)
		}
		for _, name := range warnings {
			e.warn(s, name, settings[name])
		}
	}
	return faults
}

func (e ensurer) warn(s TopicSpec, setting, have string) {
	if log, ok := e.cl.OptValue(kgo.WithLogger).(kgo.Logger); ok && log != nil && log.Level() >= kgo.LogLevelWarn {
		log.Log(kgo.LogLevelWarn, "topic keeps messages for a shorter time than planned",
			"topic", s.Name, "setting", setting, "have", have, "want", s.Config[setting],
			"remedy", alterCommand(s.Name, setting, s.Config[setting], e.brokers))
	}
}

func (e ensurer) visible(ctx context.Context, specs []TopicSpec) (kadm.TopicDetails, error) {
	ctx, cancel := context.WithTimeout(ctx, visibleWithin)
	defer cancel()
	for {
		details, err := e.list(ctx, specs)
		if err != nil {
			return nil, err
		}
		err = firstUnready(details, specs)
		if err == nil {
			return details, nil
		}
		if pause(ctx, visiblePause) != nil {
			return nil, err
		}
	}
}

func firstUnready(details kadm.TopicDetails, specs []TopicSpec) error {
	for _, s := range specs {
		d := details[s.Name]
		if d.Err != nil {
			return fmt.Errorf("wait for topic %s: %w", s.Name, d.Err)
		}
		for _, p := range d.Partitions {
			if p.Leader < 0 {
				return fmt.Errorf("wait for topic %s: partition %d has no leader", s.Name, p.Partition)
			}
		}
	}
	return nil
}

// settingsOf are a topic's settings in force, defaults included.
func settingsOf(configs kadm.ResourceConfigs, topic string) (map[string]string, error) {
	c, err := configs.On(topic, nil)
	if err == nil {
		err = c.Err
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return nil, fmt.Errorf("read the settings of topic %s: %w; grant the user DescribeConfigs on it", topic, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings of topic %s: %w", topic, err)
	}
	out := make(map[string]string, len(c.Configs))
	for _, kv := range c.Configs {
		out[kv.Key] = kv.MaybeValue()
	}
	return out, nil
}
