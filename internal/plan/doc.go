// Package plan turns commands into ordered API calls and answers into results.
//
// It is pure: it sends nothing, waits for nothing and keeps nothing. The way
// through it is
//
//	Check      one command -> an Order, or a Refusal with a code and a remedy
//	Build      the Orders of a batch -> Stages of Calls
//	Attribute  a bulk call and its answer -> one Verdict per item
//
// Build keeps two promises. Commands that share a Kafka key, or name the same
// record in the same way, form a chain and take effect in the order given. And
// what is merged or put into one bulk call has the same outcome as one call
// each: only neighbours of a chain with the same target are merged, the items
// of one call never share a record, and an item goes in bulk only if the
// vendor's matching order (_id, sourceId, externalId, email) picks the key that
// the command named.
//
// Attribute never guesses: an item whose outcome the answer does not prove is
// sent again alone, or looked up.
//
// The package knows the objects table and the commands' shape; it knows no
// Kafka, no clock and no HTTP. Start reading at order.go.
package plan
