// Package kafka is the only room that builds Kafka clients.
//
// It knows how to connect (Options: addresses, TLS, SASL, client logs and
// metrics), what everything is called (Names: topics, groups, transactional
// ids, subjects), how topics must be set up (EnsureTopics), and two ways of
// reading that an ordinary consumer does not offer: ReadAt fetches single
// records at remembered places, ReadToStable reads a partition up to its last
// stable offset and ends there.
//
// It refuses to know what is inside a record and who owns a shard; the rooms
// above decide that. They receive a *kgo.Client and use kgo.Record freely, but
// none of them calls kgo.NewClient, so that security, logs and metrics are
// the same for every connection.
//
// Start reading at Options, then Names, then EnsureTopics.
package kafka
