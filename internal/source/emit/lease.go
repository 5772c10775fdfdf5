package emit

// LeaseError marks an error that ends the lease: only a new take-over knows what
// has been written.
type LeaseError struct{ Err error }

func (e LeaseError) Error() string { return e.Err.Error() }
func (e LeaseError) Unwrap() error { return e.Err }
