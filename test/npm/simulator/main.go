// Command simulator serves a simulated Pipedrive for clients in other languages. It prints its address and its token
// on one line and ends when its standard input does.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	pipedrivesim "github.com/planhat-bridge/planhat-bridge/internal/simulator/pipedrive"
)

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

func serve(until io.Reader, say io.Writer) error {
	sim := pipedrivesim.New(pipedrivesim.Options{RequestsPerWindow: -1, DailyTokens: -1})
	defer sim.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if _, err := fmt.Fprintf(say, "http://%s %s\n", listener.Addr(), pipedrivesim.DefaultToken); err != nil {
		return fmt.Errorf("say where it is: %w", err)
	}
	if _, err := io.Copy(io.Discard, until); err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	_ = server.Close() // nobody is left to be answered
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
