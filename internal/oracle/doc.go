// Package oracle is the independent judge of a run: given what is in Kafka and
// what is at the vendor, it says whether the bridge kept its promises, and if
// not, where.
//
// It reads the topics with a client of its own (read_committed) and the vendor's
// state, journal and deliveries over HTTP from the simulator's control API. It refuses to
// know anything of the bridge's memory, state topics, positions or metrics: a
// bridge that is wrong about itself must not be believed.
//
// Each promise is one pure function from Evidence to mismatches:
//
//	fold      a change topic, folded, is the vendor's state
//	history   nothing invented, nothing repeated, ops and before images in order
//	sequence  source.sequence strictly increasing per stream
//	results   every command has exactly one result
//	effects   the vendor's state is the commands applied in key order
//	creates   nothing was created twice
//	stamps    no record goes back behind a state that was told
//	cleared   null is told exactly where a value was taken away
//	delivered what the vendor was answered for is on the intake's topic, and told
//
// What differs between the vendors' objects is their Form.
//
// Start reading at Check, then Evidence, then the check you doubt. Sabotage
// falsifies evidence, so that a run can show that the oracle is able to fail.
package oracle
