// Package webhook is the public intake: it takes what Pipedrive sends, writes it
// to Kafka and answers. Nothing else happens in a request: what a body means, and
// whether it is true, is found out later by who reads the topic.
//
// A webhook is a request to POST /pipedrive/<account> with the account's user and
// password. It is answered 200 when Kafka has it for good (acks=all), and not
// before: a webhook that was answered otherwise was not promised. Every answer
// but 2xx counts toward a ban by Pipedrive, so whatever comes with the right
// password and is JSON is stored, however odd it is. See answers.go for the rules.
//
// Strangers reach this server. Without the password nothing of a body is read;
// with it, bodies are bounded, never unpacked, and wait in bounded memory. Each
// request is answered within a time that is shorter than Pipedrive's patience.
// Neither bodies nor credentials nor the ids of records are logged.
//
// The package knows HTTP and one topic for each account. It asks no vendor and no
// schema registry, and owns no shard, so that any number of intakes may run.
//
// Start reading at Service.ServeHTTP, in intake.go.
package webhook
