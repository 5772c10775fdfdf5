// Package front is the network between a service and a simulated vendor: what its
// calls come to before they come to the simulator.
package front

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Front is a vendor's side of the network.
type Front struct {
	*httptest.Server
	vendor http.Handler
	line   atomic.Pointer[func(context.Context) error] // what happens to a call to the vendor's host before there is a connection
	before atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	cert   atomic.Pointer[tls.Certificate] // instead of the good one

	mu   sync.Mutex
	open map[net.Conn]bool
	was  int // connections that there have been
}

// New serves the vendor: by HTTP, or by HTTP/2 with TLS.
func New(t *testing.T, vendor http.Handler, secure bool) *Front {
	t.Helper()
	f := &Front{vendor: vendor, open: map[net.Conn]bool{}}
	f.Server = httptest.NewUnstartedServer(f)
	f.Config.ConnState = f.note
	f.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // broken connections are what is played
	if secure {
		f.EnableHTTP2 = true
		good := sample().TLS.Certificates[0]
		f.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if other := f.cert.Load(); other != nil {
				return other, nil
			}
			return &good, nil
		}}
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	_, port, err := net.SplitHostPort(f.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	network.add(port, f)
	f.URL = map[bool]string{true: "https://", false: "http://"}[secure] + net.JoinHostPort(Hostname, port)
	return f
}

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if before := f.before.Load(); before != nil && (*before)(w, r) {
		return
	}
	f.vendor.ServeHTTP(w, r)
}

// Intercept lets a function answer calls in the vendor's place; false leaves one to
// the vendor. nil ends it.
func (f *Front) Intercept(answer func(http.ResponseWriter, *http.Request) bool) {
	if answer == nil {
		f.before.Store(nil)
		return
	}
	f.before.Store(&answer)
}

// Cut puts something into the way of new connections; nil takes it away.
func (f *Front) Cut(dial func(context.Context) error) {
	if dial == nil {
		f.line.Store(nil)
		return
	}
	f.line.Store(&dial)
}

func (f *Front) note(c net.Conn, state http.ConnState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch state {
	case http.StateNew:
		f.open[c] = true
		f.was++
	case http.StateClosed, http.StateHijacked:
		delete(f.open, c)
	default:
	}
}

// Connections tells how many there are, and how many there have been.
func (f *Front) Connections() (open, was int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open), f.was
}

// HangUp closes all connections, calls under way or not.
func (f *Front) HangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		_ = c.Close()
	}
}

// sample is a server that is there for its certificate.
var sample = sync.OnceValue(func() *httptest.Server {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Close()
	return s
})

// Stranger lets a certificate that nobody trusts stand for the vendor's, until the
// returned function is called.
func (f *Front) Stranger(t *testing.T) (end func()) {
	t.Helper()
	f.cert.Store(stranger(t))
	return func() { f.cert.Store(nil) }
}

func stranger(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{Hostname}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
