package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
)

// Hostname is the vendor's in all stories; the port tells them apart. The
// certificate of net/http/httptest is good for it.
const Hostname = "example.com"

// Install makes the network of a test binary, before its tests: every client of the
// product clones net/http's transport, which finds the vendor by its port then, and
// trusts it.
func Install() error {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return errors.New("net/http has another transport than expected")
	}
	transport.DialContext = network.dial
	transport.TLSClientConfig = &tls.Config{RootCAs: trusted(), MinVersion: tls.VersionTLS12}
	return nil
}

var network = &lines{byPort: map[string]*Front{}}

// lines lead to the vendors of the stories.
type lines struct {
	mu     sync.Mutex
	byPort map[string]*Front
}

func (l *lines) add(port string, f *Front) {
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
	if host == Hostname && f != nil {
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
