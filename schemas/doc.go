// Package schemas knows every message the bridge writes or reads: their Avro and
// JSON Schemas, how a row of a vendor's API becomes Avro and comes back without
// loss, how a command is read from bytes that others made, and the closed lists
// of statuses, effects and error codes. It is the only package that imports an
// Avro library.
//
// It refuses to know how messages travel: no topics, no Kafka client, no HTTP
// beyond the schema registry's, and nothing of what a command means at a vendor.
//
// The record schemas in planhat/*.avsc are written by hand and are the source of
// everything derived: the envelope around them, the JSON Schemas in json/ and the
// tables of the contract document. released/ holds what was shipped; a test
// refuses an edit that readers of the released schemas could not survive.
//
// Start reading at Codec (changes), DecodeCommand (commands) and Result.
package schemas

//go:generate go test . -run Current -update
