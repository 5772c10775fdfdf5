// Package sink carries commands out at Planhat and answers each of them once.
//
// A workspace's commands are read from all partitions of its topic, read
// committed, from the positions in the shard's state. A batch is decoded,
// planned (internal/plan), carried out and attributed; then one transaction
// writes its results, its dead letters and the positions after it. A crash
// before that transaction repeats the batch, which is harmless for everything
// that may be repeated. A create may not: before its call an intent goes into
// the state, and whoever finds one looks the record up instead of sending it.
//
// Dead letters get what an operator can mend: the statuses REJECTED (poison,
// FORBIDDEN and whatever the vendor refused included) and UNKNOWN. CONFLICT and
// EXPIRED are answers to a condition that the producer set, and get none.
//
// The package is a shell: it decides as little as it can. Nothing here knows
// what may be merged or which item an answer is about. Start reading at
// workspace.go, then execute.go; ledger.go has the intents.
package sink
