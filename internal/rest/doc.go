// Package rest is the transport that the vendors' clients share: it sends one call
// until its outcome is known, or until it may not be sent again.
//
// It knows how to spend a token's budget ([Budget], [Lane]), when to try again and
// when not ([Request], verdict.go), how to read what vendors say about waiting
// (headers.go), how to take an answer whole or not at all (body.go), and of which
// [Kind] a failure is. It refuses to know objects, paths and the shape of answers:
// a vendor's client passes these in with the [Request].
//
// Whether a failed attempt may have had an effect is decided on evidence only
// (sent.go): an attempt is taken as never sent when no connection was obtained, and
// as perhaps carried out in every other case.
//
// Time is the process's own (time.Now, timers), so that tests run it under
// testing/synctest; the randomness of back-off is passed in.
//
// Start reading at [Client.Do]. The types of this package stay out of the exported
// API of the clients that use it.
package rest
