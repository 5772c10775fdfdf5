package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Load reads the environment ("NAME=value", as os.Environ gives it) and checks
// everything. objects are the names of the objects that there are. The error
// is Faults. Apart from the files of secrets nothing outside of its arguments
// is read, except the host name where INSTANCE_ID is not set.
func Load(environ, objects []string) (Config, error) {
	l := loader{report: newReport(environ), objects: objects}
	return l.load()
}

// LoadNames is Load for who calls no vendor: of workspaces and accounts only the
// names are read, so that none of their secrets has to be there.
func LoadNames(environ, objects []string) (Config, error) {
	l := loader{report: newReport(environ), objects: objects, namesOnly: true}
	for name := range l.env {
		if slices.ContainsFunc(kinds, func(k kind) bool { return strings.HasPrefix(name, k.prefix) && name != k.list }) {
			delete(l.env, name)
		}
	}
	return l.load()
}

type loader struct {
	report
	s         settings
	objects   []string
	namesOnly bool
}

func (l *loader) load() (Config, error) {
	parse(&l.s, "", &l.report)
	l.workspacesOrAccounts()
	components := l.components()
	c := Config{
		Bridge:         l.s.Bridge,
		InstanceID:     l.instance(),
		Kafka:          l.kafka(),
		Registry:       l.registry(),
		Topics:         l.topics(),
		Planhat:        l.workspaces(),
		Pipedrive:      l.accounts(),
		Components:     components,
		WebhookAddr:    string(l.s.WebhookAddr),
		Budget:         Budget{SourceShare: float64(l.s.SourceShare)},
		Sink:           Sink{ReferenceWait: time.Duration(l.s.SinkWait), Linger: time.Duration(l.s.SinkLinger), MaxBatch: int(l.s.SinkBatch), InFlight: int(l.s.SinkInFlight), BufferBytes: int(l.s.SinkBuffer), AcceptTenant: l.acceptedTenants()},
		Shard:          l.shard(),
		AdminAddr:      string(l.s.AdminAddr),
		StartupTimeout: time.Duration(l.s.StartupTimeout),
		Log:            Log{Level: l.s.LogLevel, Format: l.s.LogFormat},
	}
	l.bridge()
	l.unknown()
	if err := l.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// workspacesOrAccounts takes the default of PLANHAT_WORKSPACES back where there
// are accounts: who bridges Pipedrive alone has no workspace. What is set for
// one is not passed over in silence: see refuseUnnamed.
func (l *loader) workspacesOrAccounts() {
	if l.env[workspaceKind.list] == "" && len(l.s.Accounts) > 0 {
		l.s.Workspaces = nil
	}
}

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9-]{1,64}$`)
	prefixForm = regexp.MustCompile(`^[a-zA-Z0-9._-]{0,64}$`)
)

// acceptedTenants are workspaces that there are.
func (l *loader) acceptedTenants() []string {
	for _, name := range l.s.SinkTenants {
		if !slices.Contains(l.s.Workspaces, name) {
			l.addf("SINK_ACCEPT_TENANT", "has %q, which is not in PLANHAT_WORKSPACES; write the names of workspaces", name)
		}
	}
	return l.s.SinkTenants
}

func (l *loader) bridge() {
	if !nameForm.MatchString(l.s.Bridge) {
		l.addf("BRIDGE_NAME", "is not a name; write 1 to 64 of a-z, 0-9 and -")
	}
}

func (l *loader) instance() string {
	if l.s.InstanceID != "" {
		return l.s.InstanceID
	}
	host, err := os.Hostname()
	if err != nil {
		l.addf("INSTANCE_ID", "is not set and the host name is not known (%v); set it to a name that no other replica has", err)
	}
	return host
}

func (l *loader) topics() Topics {
	if !prefixForm.MatchString(l.s.TopicPrefix) {
		l.addf("TOPIC_PREFIX", "is not the start of a topic name; write at most 64 of a-z, A-Z, 0-9, dot, _ and -")
	}
	if l.s.TopicReplication == 0 && l.clean("TOPIC_REPLICATION_FACTOR") {
		l.addf("TOPIC_REPLICATION_FACTOR", "is no number of replicas; write 1 or more, or -1 for the cluster's default")
	}
	return Topics{
		Prefix: l.s.TopicPrefix, Partitions: int32(l.s.TopicPartitions),
		ReplicationFactor: int16(l.s.TopicReplication), Create: bool(l.s.KafkaCreateTopics),
	}
}

func (l *loader) shard() Shard {
	s := Shard{SessionTimeout: time.Duration(l.s.SessionTimeout), CallDeadline: time.Duration(l.s.CallDeadline)}
	if l.clean("CALL_DEADLINE") && l.clean("SHARD_SESSION_TIMEOUT") && s.CallDeadline > s.SessionTimeout*3/4 {
		l.addf("CALL_DEADLINE", "is longer than three quarters of SHARD_SESSION_TIMEOUT (%s); shorten it, or lengthen the other", s.SessionTimeout)
	}
	return s
}

// secretFrom takes a secret from its variable or from the file that the variable
// with _FILE names. nil: neither is set, or a fault was reported.
func (l *loader) secretFrom(variable, value, path string) *Secret {
	return l.secretBy(FileSecret, variable, value, path)
}

// secretBy is secretFrom with the way in which a file is read.
func (l *loader) secretBy(read func(path string) (*Secret, error), variable, value, path string) *Secret {
	switch {
	case value != "" && path != "":
		l.addf(variable, "is given twice, here and in %s; keep one of them", l.written(variable+"_FILE"))
		return nil
	case value != "":
		return NewSecret(strings.TrimRight(value, "\r\n"))
	case path != "":
		s, err := read(path)
		if err != nil {
			l.addf(variable+"_FILE", "cannot be used (%v); name a readable file that holds the secret", err)
		}
		return s
	}
	return nil
}
