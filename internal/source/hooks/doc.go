// Package hooks keeps an account's webhooks at Pipedrive as they should be: one for
// every captured object, delivering payload 2.0 to our address, with our credentials
// and our user's eyes.
//
// What is to be done is decided by a function of values (decide.go): what is wanted,
// what Pipedrive lists, and what is remembered of webhooks that were made here, as
// passwords may not be shown. A [Controller] carries it out, one call after the other.
//
// A webhook with our address is ours: it delivers to us, whoever made it. Of these one
// for each object stays, and the others go. A webhook with another address is touched
// only if the memory says that it was made or adopted here, under the address that it
// still has. There is no call that changes a webhook, so that repair is to make one and
// then to remove the other: events come twice rather than not at all.
//
// The package refuses to know when to look (its caller does), where the memory is kept,
// and what a lost event means: it says that events may have been lost, and reconciliation
// does the rest. Start reading at [Controller.Tend].
package hooks
