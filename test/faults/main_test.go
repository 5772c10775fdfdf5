package faults_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"testing"
)

// hostname is the vendor's in all stories; the port tells them apart. The
// certificate of net/http/httptest is good for it.
const hostname = "example.com"

// TestMain makes the network of the stories: every client of the product clones
// net/http's transport, which finds the vendor by its port here, and trusts it.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // a dozen tenants at once, each for some seconds
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		fmt.Fprintln(os.Stderr, "net/http has another transport than expected")
		os.Exit(1)
	}
	transport.DialContext = network.dial
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted(), MinVersion: tls.VersionTLS12}
	os.Exit(m.Run())
}

var network = &lines{byPort: map[string]*front{}}

// lines lead to the vendors of the stories.
type lines struct {
	mu     sync.Mutex
	byPort map[string]*front
}

func (l *lines) add(port string, f *front) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byPort[port] = f
}

func (l *lines) dial(ctx context.Context, kind, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	f := l.byPort[port]
	l.mu.Unlock()
	if host == hostname && f != nil {
		if cut := f.line.Load(); cut != nil {
			if err := (*cut)(ctx); err != nil {
				return nil, err
			}
		}
		addr = net.JoinHostPort("127.0.0.1", port)
	}
	return (&net.Dialer{}).DialContext(ctx, kind, addr)
}

// trusted is the authority behind the certificates of net/http/httptest.
func trusted() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(sample().Certificate())
	return pool
}
