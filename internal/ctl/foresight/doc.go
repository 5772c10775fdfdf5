// Package foresight tells what commands would do, without doing it: which calls
// the sink would make of them, what would be merged or refused, and what each
// would change of the records as the change topics show them.
//
// The planning is that of the sink, by internal/plan. What Planhat would answer
// is foretold from a Mirror: the last state of the records that the commands
// name, and of those only. Each command is held to what those before it leave.
//
// It foretells what is in the topics: an edit that the source has not captured
// yet, a right that a token lacks or a rule of the tenant is not. It knows no
// Kafka and prints nothing. Start reading at Foresee.
package foresight
