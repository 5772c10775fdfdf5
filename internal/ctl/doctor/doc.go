// Package doctor checks everything that a deployment of the bridge needs:
// configuration, Kafka with the rights of its user, schema registry, Planhat
// with the rights of each token, clocks, budgets, and services that run.
//
// It only looks. No topic, schema, group, transaction or record is made or
// changed; rights are read from what the cluster tells, or from how it refuses
// requests in the name of somebody who does not exist. What cannot be found out
// without a write (the right to write at Planhat, the right to register a
// schema) is said to be unknown.
//
// A Check is one line of the report. Checks do not stop each other: a workspace
// with a bad token hides no other, and a cluster that is away hides no vendor.
//
// Start reading at Run; each part has a file of its own name.
package doctor
