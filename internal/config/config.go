// Package config turns the environment into typed values.
//
// Load reads every variable the services know, checks all of them and reports
// every fault at once as Faults, each naming the variable, what stands there
// (secrets masked) and what to write instead. Unknown names below the
// product's prefixes are faults too, with the nearest known name suggested,
// because a misspelt variable that is silently ignored costs hours.
//
// The package knows names, defaults, spelling and the dependencies between
// variables. It does not know what the values are for: it opens no connection
// and reads no file except secrets. A Secret keeps the path of its file and
// reads it again when the file changes, so that rotated tokens need no restart.
//
// Start reading at Load; the variables stand in settings.go. What workspaces of
// Planhat and accounts of Pipedrive have in common is in tenant.go.
package config

import (
	"slices"
	"time"
)

// Config is everything a service takes from its environment. Every value has
// been checked; zero values mean what the field's comment says.
type Config struct {
	Bridge         string // BRIDGE_NAME
	InstanceID     string // INSTANCE_ID; the host name where not set
	Kafka          Kafka
	Registry       Registry
	Topics         Topics
	Planhat        []Workspace // in the order of PLANHAT_WORKSPACES; there is a workspace or an account
	Pipedrive      []Account   // in the order of PIPEDRIVE_ACCOUNTS
	Components     []string    // SOURCE_COMPONENTS
	WebhookAddr    string      // WEBHOOK_ADDR
	Budget         Budget
	Sink           Sink
	Shard          Shard
	AdminAddr      string        // ADMIN_ADDR
	StartupTimeout time.Duration // STARTUP_TIMEOUT
	Log            Log
}

// Kafka is how to reach and prove oneself to the cluster.
type Kafka struct {
	Brokers  []string // host:port, at least one
	ClientID string
	TLS      TLS
	SASL     SASL
	LogLevel string // debug, info, warn, error: the Kafka client's own log level
}

// TLS holds paths only; internal/kafka reads the files.
type TLS struct {
	Enabled    bool
	CAFile     string // empty: the system's roots
	CertFile   string // with KeyFile: mutual TLS
	KeyFile    string
	ServerName string // empty: the host dialled
}

// SASL is off while Mechanism is empty.
type SASL struct {
	Mechanism string // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER
	Username  string
	Password  *Secret
	OAuth     OAuth
}

// OAuth describes a client-credentials grant for OAUTHBEARER.
type OAuth struct {
	TokenURL     string
	ClientID     string
	ClientSecret *Secret
	Scope        string
	Extensions   map[string]string // SASL extensions, for brokers that route by them
}

// Registry is the Confluent-compatible schema registry. At most one of
// Username with Password, or Token, is set.
type Registry struct {
	URLs         []string
	Username     string
	Password     *Secret
	Token        *Secret
	CAFile       string
	AutoRegister bool
}

// Topics says how the topics that users see are named and laid out.
type Topics struct {
	Prefix            string
	Partitions        int32
	ReplicationFactor int16 // -1: the broker's default
	Create            bool  // false: verify only
}

// Workspace is one Planhat tenant with its token.
type Workspace struct {
	Name           string
	Token          *Secret
	BaseURL        string // without a trailing slash
	CallsPerMinute int
	Objects        []string // nil: all
	Freshness      Freshness
	CompanyIDs     []string // nil: all companies
	DeleteGuard    DeleteGuard
}

// Account is one company at Pipedrive with the token of one of its users.
type Account struct {
	Name    string
	Token   *Secret // nil: only where nothing but webhooks is taken
	BaseURL string  // as it was given, in any spelling of the company's address

	// WebhookURL is the whole public address that Pipedrive shall call; empty: no
	// webhook is registered, and reconciliation alone finds what changed.
	WebhookURL  string
	WebhookUser string // empty: no webhooks are taken for this account
	// Deliveries are accepted with either password; the first is registered.
	WebhookPassword, WebhookPasswordPrevious *Secret

	Objects           []string // nil: all of AccountObjects
	ReconcileInterval time.Duration
	SweepInterval     time.Duration
	RequestsPer2s     int
	DailyTokenShare   float64 // of the company's daily tokens; 0 < share <= 1
	DeleteGuard       DeleteGuard
}

// Takes tells whether webhooks are taken for an account.
func (a Account) Takes() bool { return a.WebhookUser != "" && a.WebhookPassword.IsSet() }

// The parts of the source, as SOURCE_COMPONENTS names them.
const (
	Poller  = "poller"  // owns shards, asks the vendors, writes changes
	Webhook = "webhook" // takes what Pipedrive sends, and nothing else
)

// Has tells whether a part of the source runs in this process.
func (c Config) Has(component string) bool { return slices.Contains(c.Components, component) }

// Budget is the part of a token's calls that the source may spend while the
// sink wants them too.
type Budget struct {
	SourceShare float64 // 0 < share <= 1
}

// Sink bounds what the sink holds back in memory.
type Sink struct {
	ReferenceWait time.Duration
	Linger        time.Duration
	MaxBatch      int
	InFlight      int      // single calls at the same time
	AcceptTenant  []string // workspaces whose tenant was really replaced
	BufferBytes   int      // of commands held in memory
}

// Shard holds the times that ownership of a shard is judged by.
type Shard struct {
	SessionTimeout time.Duration
	CallDeadline   time.Duration
}

// Log chooses what is logged and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // json, text
}
