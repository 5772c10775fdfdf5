// Package letters knows the dead letters of a workspace: what a record of their
// topic says, which letters are still open, and how one is driven again or
// dropped.
//
// Nothing is ever taken out of the topic. A letter that is settled, which means
// driven again or dropped, has a mark behind it in its partition: a record
// without a value whose headers name the letter. Since a topic is cut off from
// its beginning, no letter outlives its mark and comes back.
//
// Driving a letter again puts its command behind all others, on the partition
// that it was on, as a new command with an id of its own. Command and mark are
// written in one transaction, and every hand has to hold the same transactional
// id while it settles letters: a crash neither loses nor doubles a command, and
// two hands at once do not either.
//
// The package keeps no letter in memory that it has handed on. It knows Kafka and
// the commands' schema; it prints nothing. Start reading at letter.go, then
// redrive.go.
package letters
