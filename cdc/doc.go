// Package cdc decides what changed. It knows how to tell one version of a
// record from another, how to read a listing that moves while it is read, and
// which records of such a listing are gone.
//
// It is pure: it has no goroutine, no clock, no Kafka, no HTTP and no vendor.
// A shell asks a scan for its next request, makes the call, gives the rows
// back and acts on what the scan says.
//
// Where to start reading:
//
//   - [Canonical], [Fingerprint], [Changed], [Inspect]: one record.
//   - [Index]: what is known of each record of a stream, in little memory.
//   - [Delta]: newest-first listings, read down to a watermark.
//   - [Sweep]: whole listings by id, which find changes without stamps and deletes.
//   - [Decide], [MassDelete], [Cursor]: verdicts, the guard and what is remembered.
//
// Nothing in this package is safe for concurrent use, apart from the plain functions.
package cdc
