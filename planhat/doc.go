// Package planhat is a REST client for Planhat, usable on its own.
//
// It knows what differs between Planhat's objects (one table: [Objects]), how to
// page, look up, write and bulk upsert them within the call budget of a token,
// what may be repeated after a lost answer and what may not, and which [Kind]
// an error is of. It refuses to know what the records are for: rows and answers
// are the vendor's JSON, byte for byte.
//
// Three promises are worth knowing before the first call:
//
//   - A page is whole or it is an error. A body that is cut, is not JSON, or holds
//     a row without an id is [KindMalformed], never a shorter page.
//   - A create is sent at most once, unless the vendor said or the network proves
//     that it was not carried out. An answer that leaves its effect unknown is
//     [KindAmbiguous].
//   - The wait that a 429 asks for is kept by every call of the same [Budget].
//
// Start reading at [New], [Client.Pages] and [Client.BulkUpsert].
package planhat
