package ops

import (
	"errors"
	"fmt"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// The exit codes of every service.
const (
	CodeDone        = 0
	CodeUnexpected  = 1
	CodeBadSetup    = 2
	CodeUnreachable = 3
)

// Exit is an error that decides the exit code.
type Exit struct {
	Code int
	Err  error
}

func (e Exit) Error() string { return e.Err.Error() }
func (e Exit) Unwrap() error { return e.Err }

// BadSetup marks an error that only somebody who changes the configuration or
// the cluster can repair. It ends the process with code 2, is printed as plain
// text, and is not tried again by WaitFor.
func BadSetup(err error) error {
	if err == nil {
		return nil
	}
	return Exit{Code: CodeBadSetup, Err: err}
}

// ErrUnreachable is what WaitFor gives up with. It ends the process with
// code 3.
var ErrUnreachable = errors.New("unreachable")

// PanicError is a panic of a service.
type PanicError struct {
	Service string
	Value   any
	Stack   []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.Service, e.Value) }

// Unwrap is the value, if somebody panicked with an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// exitCode is the one place where errors become exit codes.
func exitCode(err error) int {
	var exit Exit
	switch {
	case err == nil:
		return CodeDone
	case errors.As(err, new(*PanicError)):
		return CodeUnexpected
	case errors.As(err, &exit):
		return exit.Code
	case errors.As(err, new(config.Faults)):
		return CodeBadSetup
	case errors.Is(err, ErrUnreachable):
		return CodeUnreachable
	}
	return CodeUnexpected
}
