// Package pipedrive is a REST client for Pipedrive, usable on its own, and a reader
// of what its webhooks deliver.
//
// It knows what differs between Pipedrive's objects (one table: [Objects]), which of
// them live in version 2 of the API and which only in version 1, how each pages, what
// a call costs of the daily budget, and of which [Kind] an error is. It refuses to know
// what the records are for: rows are the vendor's JSON, byte for byte.
//
// A token belongs to one user of one company, and so does an address. [ParseURL] takes
// the address in every spelling that people paste, [CheckToken] says what is wrong with
// a token, and [Client.Verify] asks whether the two belong together:
//
//	u, err := pipedrive.ParseURL("acme.pipedrive.com/v1")
//	client, err := pipedrive.New(u, func() string { return token })
//	me, err := client.Verify(ctx) // *AccountError: is it the token, or the address?
//
// Five things are worth knowing before the first call:
//
//   - A page is whole or it is an error. A body that is cut, is not JSON, says success:false
//     in a 200, or holds a row without an id is an error, never a shorter page.
//   - Two budgets are told apart. Many calls at once are [KindThrottled]: the client waits
//     for the next window of two seconds and tries again. A spent day is [KindDailyBudget]:
//     it is returned at once, for a retry within seconds only wakes the abuse filter. What
//     calls cost and what is left says [Client.Usage].
//   - A 403 that is no JSON is [KindBlocked]: something before the API has shut this caller
//     out. Stop calling, and look again after a long while.
//   - Listings leave out deleted records, and deals that are archived, unless asked:
//     see [ListOptions]. A record that was deleted may still be answered: see [Deleted].
//   - In REST null is both "never set" and "cleared". Only a webhook's previous state tells
//     them apart: see [Event.Held].
//
// Webhooks are managed with [Client.Webhooks], [Client.CreateWebhook] and
// [Client.DeleteWebhook]; what they deliver is read by [ParseEvent], in both versions.
//
// Start reading at [New], [Client.Pages] and [ParseEvent].
package pipedrive
