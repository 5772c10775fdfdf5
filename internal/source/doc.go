// Package source captures every create, update and delete of a vendor's
// records as change events.
//
// A Service owns shards (package shard); for each shard a worker runs the
// workspaces whose token hashes to it. A workspace runs its streams one request
// at a time, the most overdue first: a stream is a listing of the vendor with
// an index of what the change topics say (package cdc decides what changed), a
// cursor, and pending changes. A flush writes changes, index entries with the
// places that the acks named, and the cursor in one transaction, and only then
// moves the index in memory.
//
// This room knows when to ask and what to write; it does not know how a change
// is recognised (cdc), encoded (schemas) or made durable (shard). Start reading
// at workspace.go, then stream.go and flush.go.
package source
