// Package pipedrive proves that nothing of a Pipedrive account is lost, invented or
// repeated, whatever happens to the vendor's webhooks, to its API, to the receivers
// and to the owner of the account.
//
// The storm runs the processes as they are deployed: two receivers behind one address
// and two sources, which are killed at random while the vendor's deliveries are
// repeated, delayed, overtaken, dropped and refused, its webhooks banned and deleted,
// and its API fails. The crashes kill a process at each point of its work. The stories
// of budgets run in virtual time: days pass in seconds. At the end of each the oracle
// holds the topics against the vendor.
//
// Start reading at storm_test.go.
package pipedrive
