// Package ctl is planhatctl, the hand tool of operators and developers: it sends
// commands and prints their results, shows what commands would do
// (internal/ctl/foresight), shows topics decoded, lists the bridge's topics,
// settles dead letters (internal/ctl/letters), shows what an event of a record
// would look like, and checks all that a deployment needs (internal/ctl/doctor).
//
// It knows the topics' names and messages. Only sample and doctor call a vendor's
// API and need its token, and they only read. Whether a command is right is for
// the sink to say, in one place, in its result.
//
// Exit codes: 0 all is well, 1 a command was not OK, a check failed, or there is
// no such record (or something unexpected), 2 wrong usage or configuration, 3
// something is not reachable, Planhat does not let us in, or a result did not come
// in time.
//
// Start reading at Run; each subcommand has a file of its own name.
package ctl
