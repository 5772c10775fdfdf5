package shard

// turn is a lock for what is held over calls of the network: whoever waits for
// one is seen to wait by tests in virtual time, as is not so of a mutex.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) Lock()   { t <- struct{}{} }
func (t turn) Unlock() { <-t }
