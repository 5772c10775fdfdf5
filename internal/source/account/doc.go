// Package account captures one Pipedrive account during one tenure of its shard.
//
// A webhook is a doorbell: it says which record to look at, how new the record
// must be, and which of its fields held a value before. What is written is
// always the row that REST shows (docs/adr/0031). So the same few steps serve
// webhooks, reconciliation, sweeps and signals: ask for records, compare the
// rows with the index (package cdc), and write what changed, the index, and how
// far the webhooks are read in one transaction. One request is in flight at a
// time, so that nothing older is ever written over newer.
//
// This room knows when to ask and what to write. It does not know how a call is
// made (package pipedrive), how webhooks are received (internal/webhook), how
// they are registered (internal/source/hooks), or who owns a shard (package
// shard). Start reading at account.go, then settle.go, admit.go and flush.go;
// row.go and walk.go are pure.
package account
