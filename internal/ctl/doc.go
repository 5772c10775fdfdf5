// Package ctl is planhatctl, the hand tool of operators and developers: it sends
// commands and prints their results, shows topics decoded, and lists the bridge's
// topics.
//
// It knows the topics' names and messages. It refuses to know vendors: it calls
// no API, so it needs no token, and whether a command is right is for the sink
// to say, in one place, in its result.
//
// Exit codes: 0 all is well, 1 a command was not OK (or something unexpected),
// 2 wrong usage or configuration, 3 Kafka is not reachable or a result did not
// come in time.
//
// Start reading at Run; each subcommand has a file of its own name.
package ctl
