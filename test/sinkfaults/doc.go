// Package sinkfaults holds the sink against everything that goes wrong at the vendor,
// at the brokers, at the registry and with the commands themselves.
//
// A story is a sink in this process, between a broker and a simulated Planhat, with
// commands of all operations on their way before, during and after a fault. Then the
// oracle judges: each command has one result, the vendor's state equals the commands
// carried out in the order of their keys, nothing was made twice. Every command is
// OK and nothing is dead-lettered but for what the story names; a command that is
// new when the fault ends is answered within ten seconds; a sink that has stopped
// leaves no goroutine and no connection.
//
// The files follow the rows of the fault matrix: vendor_*_test.go what Planhat does,
// broker_*_test.go what Kafka and the registry do, commands_test.go what is wrong with
// commands, process_test.go what happens to the process; kills are in test/crash.
// Start reading at story_test.go.
package sinkfaults
