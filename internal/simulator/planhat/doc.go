// Package planhatsim is a Planhat that runs in a process: the REST API as its public documentation
// and its users describe it, over a seeded tenant, with faults on demand.
//
// It knows the vendor's behaviour and nothing of the product: it shares no code with the planhat client,
// so that a misreading of the API in one is found by the other. What nobody documents is not guessed but
// is a switch (Switches), so that a client can be held to every answer that a real tenant might give.
//
// A Server is an http.Handler. Paths below /_sim/ are its control API: the tenant's state and journal,
// the calls it received, switches, faults, tokens, and "life", a generator that edits the tenant as its
// users would. Everything else is the vendor's API.
//
// Start reading at server.go (one request from arrival to answer); models.go says what
// may differ between models, and another model is one more row in a model_*.go. Stored documents keep the JSON text
// of every value as it was written or seeded: numbers are never parsed and printed again.
package planhatsim
