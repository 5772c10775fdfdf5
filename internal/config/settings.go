package config

// settings is the environment as caarlos0/env reads it: one field for each
// variable, in the order of the reference. The tags are the single source of
// names, defaults, bounds and meaning:
//
//	env, envDefault  the name and the default, as the library defines them
//	doc              one sentence for the reference
//	min, max         inclusive bounds of a duration or a whole number
//	choices          the words allowed
//	secret           marked as such in the reference
//
// An empty variable counts as not set.
type settings struct {
	Bridge     string `env:"BRIDGE_NAME" envDefault:"planhat-bridge" doc:"Name of this installation. Starts the names of internal topics, groups and transactional ids, so that several bridges can share a cluster; each deployment has its own, and all its processes the same workspaces. Changing it abandons the state."`
	InstanceID string `env:"INSTANCE_ID" doc:"Name of this process among its replicas, the same after a restart. Default: the host name, which is the pod name in a StatefulSet."`

	KafkaBrokers          addresses `env:"KAFKA_BOOTSTRAP_SERVERS" envDefault:"127.0.0.1:9092" doc:"Brokers to start from: host:port, separated by commas."`
	KafkaClientID         string    `env:"KAFKA_CLIENT_ID" envDefault:"planhat-bridge" doc:"Name that the brokers see in logs, metrics and quotas."`
	KafkaLogLevel         string    `env:"KAFKA_LOG_LEVEL" envDefault:"warn" choices:"debug,info,warn,error" doc:"Least severe message of the Kafka client that is logged."`
	KafkaCreateTopics     boolean   `env:"KAFKA_CREATE_TOPICS" envDefault:"true" doc:"Create missing topics. With false nothing is created: what is missing is printed as commands to paste, and the service ends."`
	KafkaTLS              boolean   `env:"KAFKA_TLS_ENABLED" envDefault:"false" doc:"Connect with TLS."`
	KafkaTLSCA            string    `env:"KAFKA_TLS_CA_FILE" doc:"PEM file of the authorities that may sign broker certificates. Default: those of the system."`
	KafkaTLSCert          string    `env:"KAFKA_TLS_CERT_FILE" doc:"PEM file of the client certificate for mutual TLS, read anew for every connection."`
	KafkaTLSKey           string    `env:"KAFKA_TLS_KEY_FILE" doc:"PEM file of the client certificate's key."`
	KafkaTLSServerName    string    `env:"KAFKA_TLS_SERVER_NAME" doc:"Host name expected in broker certificates. Default: the host connected to."`
	KafkaMechanism        string    `env:"KAFKA_SASL_MECHANISM" choices:"PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER" doc:"How to log in. Default: not at all."`
	KafkaUsername         string    `env:"KAFKA_SASL_USERNAME" doc:"User for PLAIN and SCRAM."`
	KafkaPassword         string    `env:"KAFKA_SASL_PASSWORD" secret:"true" doc:"Password for PLAIN and SCRAM."`
	KafkaPasswordFile     string    `env:"KAFKA_SASL_PASSWORD_FILE" doc:"File with the password, read anew when it changes."`
	OAuthTokenURL         endpoint  `env:"KAFKA_OAUTH_TOKEN_URL" doc:"Where OAUTHBEARER fetches tokens (client credentials grant)."`
	OAuthClientID         string    `env:"KAFKA_OAUTH_CLIENT_ID" doc:"Client id for the token."`
	OAuthClientSecret     string    `env:"KAFKA_OAUTH_CLIENT_SECRET" secret:"true" doc:"Client secret for the token."`
	OAuthClientSecretFile string    `env:"KAFKA_OAUTH_CLIENT_SECRET_FILE" doc:"File with the client secret, read anew when it changes."`
	OAuthScope            string    `env:"KAFKA_OAUTH_SCOPE" doc:"Scope to ask for."`
	OAuthExtensions       pairs     `env:"KAFKA_OAUTH_EXTENSIONS" doc:"SASL extensions sent with the token, as name=value separated by commas; some hosted clusters route by them."`

	RegistryURL          addressList `env:"SCHEMA_REGISTRY_URL" envDefault:"http://127.0.0.1:8081" doc:"Confluent-compatible schema registry; any path; several separated by commas are tried in turn."`
	RegistryUsername     string      `env:"SCHEMA_REGISTRY_USERNAME" doc:"User for basic authentication."`
	RegistryPassword     string      `env:"SCHEMA_REGISTRY_PASSWORD" secret:"true" doc:"Password for basic authentication."`
	RegistryPasswordFile string      `env:"SCHEMA_REGISTRY_PASSWORD_FILE" doc:"File with the password, read anew when it changes."`
	RegistryToken        string      `env:"SCHEMA_REGISTRY_TOKEN" secret:"true" doc:"Bearer token, instead of user and password."`
	RegistryTokenFile    string      `env:"SCHEMA_REGISTRY_TOKEN_FILE" doc:"File with the bearer token, read anew when it changes."`
	RegistryCA           string      `env:"SCHEMA_REGISTRY_CA_FILE" doc:"PEM file of the authorities that may sign the registry's certificate. Default: those of the system."`
	AutoRegister         boolean     `env:"SCHEMA_AUTO_REGISTER" envDefault:"true" doc:"Register missing schemas. With false they must be there already."`

	TopicPrefix      string `env:"TOPIC_PREFIX" doc:"Put in front of every topic name as it is, for example crm. with the dot. Two bridges with a workspace of one name on one cluster need two: else both write the same topics and carry out the same commands. Changing it abandons the data under the old names."`
	TopicPartitions  whole  `env:"TOPIC_PARTITIONS" envDefault:"3" min:"1" max:"1000" doc:"Partitions of new topics for users. Small objects get one."`
	TopicReplication whole  `env:"TOPIC_REPLICATION_FACTOR" envDefault:"-1" min:"-1" max:"32767" doc:"Replicas of new topics; -1 is the cluster's default."`

	Workspaces   list     `env:"PLANHAT_WORKSPACES" envDefault:"default" doc:"Names of the Planhat tenants, separated by commas: 1 to 64 of a-z, 0-9 and -, with a letter or digit first and last. The names are part of topic names, and of variables in capitals with _ for -: acme-eu has PLANHAT_ACME_EU_TOKEN."`
	Accounts     list     `env:"PIPEDRIVE_ACCOUNTS" doc:"Names of the Pipedrive accounts, separated by commas, spelt as workspaces are: acme-eu has PIPEDRIVE_ACME_EU_TOKEN. With accounts, PLANHAT_WORKSPACES has no default: without it there are no workspaces. Default: none."`
	Components   list     `env:"SOURCE_COMPONENTS" envDefault:"poller,webhook" doc:"Parts of the source that this process runs, separated by commas. poller: captures changes of all workspaces and accounts. webhook: takes what Pipedrive sends and writes it to Kafka; alone it asks no vendor, and needs no token and no schema registry."`
	SourceShare  fraction `env:"SOURCE_BUDGET_SHARE" envDefault:"0.5" doc:"Part of a token's calls per minute that the source may spend; the sink has the rest. Above 0, at most 1."`
	SinkWait     duration `env:"SINK_REFERENCE_WAIT" envDefault:"5s" min:"0s" max:"5m" doc:"How long a batch waits for records that its commands refer to."`
	SinkLinger   duration `env:"SINK_LINGER" envDefault:"50ms" min:"0s" max:"1m" doc:"How long the sink collects commands before it starts a batch while no other is under way. It starts sooner when the batch is full or when no command comes for a fifth of this time."`
	SinkBatch    whole    `env:"SINK_MAX_BATCH" envDefault:"5000" min:"1" max:"50000" doc:"Most commands in one batch."`
	SinkBuffer   whole    `env:"SINK_BUFFER_BYTES" envDefault:"67108864" min:"4194304" max:"1073741824" doc:"Bytes of commands that the sink holds in memory for a workspace: a quarter each for the batch under way and for the next one, and for each broker a quarter of what was read and a quarter of what was fetched."`
	SinkTenants  list     `env:"SINK_ACCEPT_TENANT" doc:"Workspaces whose tenant was really replaced: at the start the sink forgets what it knows of them, and takes the tenant of their token for the right one. Take it out again after that start."`
	SinkInFlight whole    `env:"SINK_IN_FLIGHT" envDefault:"16" min:"1" max:"50" doc:"Single calls that the sink makes at the same time. Planhat allows 50 to all users of a token together."`

	SessionTimeout duration `env:"SHARD_SESSION_TIMEOUT" envDefault:"45s" min:"6s" max:"30m" doc:"How long a silent process keeps its shards. The brokers' bounds apply too."`
	CallDeadline   duration `env:"CALL_DEADLINE" envDefault:"30s" min:"1s" max:"10m" doc:"How long one API call may take. At most three quarters of SHARD_SESSION_TIMEOUT, so that no call outlives the ownership it was made under."`

	AdminAddr      listenAddress `env:"ADMIN_ADDR" envDefault:":9102" doc:"Where /healthz, /readyz, /metrics and /status are served."`
	WebhookAddr    listenAddress `env:"WEBHOOK_ADDR" envDefault:":8080" doc:"Where the source takes webhooks of Pipedrive: plain HTTP, POST /pipedrive/<account>. TLS is the ingress's. Served only where an account has WEBHOOK_USER and WEBHOOK_PASSWORD."`
	StartupTimeout duration      `env:"STARTUP_TIMEOUT" envDefault:"60s" min:"1s" max:"1h" doc:"How long Kafka and the registry may stay away at the start before the service ends with exit code 3."`
	LogLevel       string        `env:"LOG_LEVEL" envDefault:"info" choices:"debug,info,warn,error" doc:"Least severe message that is logged."`
	LogFormat      string        `env:"LOG_FORMAT" envDefault:"json" choices:"json,text" doc:"Shape of the log."`
}

// workspaceSettings is read once for each workspace, after PLANHAT_<NAME>_, or
// after PLANHAT_ alone for the only workspace.
type workspaceSettings struct {
	Token          string  `env:"TOKEN" secret:"true" doc:"API token of the workspace, and of no other workspace. Required, here or in a file, but where SOURCE_COMPONENTS is webhook alone."`
	TokenFile      string  `env:"TOKEN_FILE" doc:"File with the token, read anew when it changes."`
	BaseURL        address `env:"BASE_URL" envDefault:"https://api.planhat.com" doc:"Address of the API."`
	CallsPerMinute whole   `env:"CALLS_PER_MINUTE" envDefault:"200" min:"1" max:"1000000" doc:"Calls per minute that the bridge may spend of the token."`
	Objects        list    `env:"OBJECTS" doc:"Objects to work on, separated by commas. Default: all."`
	Freshness      string  `env:"FRESHNESS" envDefault:"company:60s,enduser:60s,task:60s,conversation:60s,note:60s,*:15m" doc:"How old the picture of an object may become: object:duration, separated by commas; * stands for every other object."`
	CompanyIDs     list    `env:"COMPANY_IDS" doc:"Planhat ids of the only companies to work on, separated by commas; with more than 74 of them listings are read whole, and the records of others left out. Default: all."`
	DeleteGuard    string  `env:"DELETE_GUARD" envDefault:"listing:33%,workspace:10%" doc:"Most records that may be found gone within a day, of one listing and of the workspace, as a share or a number (listing:500). Above it no delete is written before planhatctl signal release. Up to 20 of a listing and 50 of the workspace pass a share, but no more than 3 where nothing is left. off: nothing is held."`
}

// accountSettings is read once for each account, after PIPEDRIVE_<NAME>_, or
// after PIPEDRIVE_ alone for the only account.
type accountSettings struct {
	Token               string   `env:"TOKEN" secret:"true" doc:"API token, 40 characters, of a user who sees everything that is to be captured: best an administrator of its own. Required, here or in a file, but where SOURCE_COMPONENTS is webhook alone."`
	TokenFile           string   `env:"TOKEN_FILE" doc:"File with the token, read anew when it changes."`
	BaseURL             string   `env:"BASE_URL" doc:"The company's address in any spelling: acme, acme.pipedrive.com, https://acme.pipedrive.com/v1, or a page of it. Required, but where SOURCE_COMPONENTS is webhook alone."`
	WebhookURL          address  `env:"WEBHOOK_URL" doc:"Public https address under which Pipedrive reaches the source. A host alone gets /pipedrive/<account> behind it; with a path it is used as it is. Default: none; no webhook is registered, and changes are found by reconciliation alone."`
	WebhookUser         string   `env:"WEBHOOK_USER" doc:"User that Pipedrive sends with each webhook (basic authentication). Goes with WEBHOOK_PASSWORD; needed with WEBHOOK_URL."`
	WebhookPassword     string   `env:"WEBHOOK_PASSWORD" secret:"true" doc:"Password that Pipedrive sends; best 32 random bytes."`
	WebhookPasswordFile string   `env:"WEBHOOK_PASSWORD_FILE" doc:"File with the password, read anew when it changes."`
	WebhookPrevious     string   `env:"WEBHOOK_PASSWORD_PREVIOUS" secret:"true" doc:"A second password that is accepted too, while the first replaces it."`
	WebhookPreviousFile string   `env:"WEBHOOK_PASSWORD_PREVIOUS_FILE" doc:"File with the second password, read anew when it changes. Empty: there is no second one."`
	Objects             list     `env:"OBJECTS" doc:"Objects to capture, separated by commas: deal, organization, person, note, pipeline. Default: all."`
	ReconcileInterval   duration `env:"RECONCILE_INTERVAL" envDefault:"15m" min:"1s" max:"24h" doc:"How often what changed is asked for, to find what no webhook brought."`
	SweepInterval       duration `env:"SWEEP_INTERVAL" envDefault:"24h" min:"1s" max:"720h" doc:"How often all records are listed, to find deletes that no webhook brought."`
	RequestsPer2s       whole    `env:"REQUESTS_PER_2S" envDefault:"20" min:"1" max:"100000" doc:"Requests that the bridge may send within two seconds; Pipedrive allows 20 on its smallest plan."`
	DailyTokenShare     fraction `env:"DAILY_TOKEN_SHARE" envDefault:"1" doc:"Part of the company's daily tokens that the bridge may spend. Above 0, at most 1."`
	DeleteGuard         string   `env:"DELETE_GUARD" envDefault:"listing:33%,account:10%" doc:"Most records that a sweep may find gone within a day, of one listing and of the account, as a share or a number (listing:500). Above it no delete is written before planhatctl signal release. Deletes that a webhook tells are not counted. off: nothing is held."`
}
