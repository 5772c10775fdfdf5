// Package pipedrivesim is a Pipedrive that runs in a process: REST v2, the part of REST v1 that v2 lacks, and
// webhooks with their deliveries, as public documentation and users describe them, over a seeded company, with
// faults on demand.
//
// It knows the vendor's behaviour and nothing of the product: it shares no code with the pipedrive client, so that
// a misreading of the API in one is found by the other. What nobody documents is not guessed but is a switch
// (Switches), so that a client can be held to every answer that a real company might give.
//
// A Server is an http.Handler. Paths below /_sim/ are its control API: state and journal, the calls it received and
// the deliveries it made, switches, faults, tokens, users, budget, the clock of deliveries, and "life", a generator
// that edits the company as its users would. Everything else is the vendor's API.
//
// Start reading at server.go (one request from arrival to answer) and engine.go (one event from change to receiver);
// objects.go says what may differ between objects. A stored document is a map that is replaced, never changed in
// place: an event holds the documents from before and after, and needs no lock to be sent.
package pipedrivesim
