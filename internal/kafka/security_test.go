package kafka

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// connect tells whether a client set up from c reaches the cluster.
func connect(t *testing.T, c *kfake.Cluster, cfg config.Kafka) error {
	t.Helper()
	cfg.Brokers = c.ListenAddrs()
	o, err := FromConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.Extra = []kgo.Opt{kgo.RequestRetries(0), kgo.MetadataMinAge(20 * time.Millisecond)}
	return o.Ping(t.Context())
}

func TestPasswordsWorkAndAreReadAnewForEveryConnection(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c, _ := cluster(t, kfake.EnableSASL(), kfake.Superuser(mechanism, "me", "right"))
			path := filepath.Join(t.TempDir(), "password")
			writeFile(t, path, []byte("wrong\n"))
			password, err := config.FileSecret(path)
			if err != nil {
				t.Fatal(err)
			}
			cfg := config.Kafka{SASL: config.SASL{Mechanism: mechanism, Username: "me", Password: password}}
			if err := connect(t, c, cfg); err == nil {
				t.Fatal("a wrong password was good enough")
			}
			writeFile(t, path, []byte("right\n"))
			if err := connect(t, c, cfg); err != nil {
				t.Errorf("after the file changed: %v", err)
			}
		})
	}
}

func TestMutualTLS(t *testing.T) {
	dir, ca := t.TempDir(), newAuthority(t)
	server, key := ca.issue(t, "127.0.0.1")
	pair, err := tls.X509KeyPair(server, key)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := cluster(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: ca.pool, ClientAuth: tls.RequireAndVerifyClientCert}))
	files := config.TLS{Enabled: true, CAFile: filepath.Join(dir, "ca"), CertFile: filepath.Join(dir, "crt"), KeyFile: filepath.Join(dir, "key")}
	writeFile(t, files.CAFile, ca.pem)

	stranger, strangerKey := newAuthority(t).issue(t, "client")
	writeFile(t, files.CertFile, stranger)
	writeFile(t, files.KeyFile, strangerKey)
	cfg := config.Kafka{Brokers: c.ListenAddrs(), TLS: files}
	o, err := FromConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	o.Extra = []kgo.Opt{kgo.RequestRetries(0)}
	if err := o.Ping(t.Context()); err == nil {
		t.Error("a certificate of nobody's was good enough")
	}
	crt, key := ca.issue(t, "client")
	writeFile(t, files.CertFile, crt)
	writeFile(t, files.KeyFile, key)
	if err := o.Ping(t.Context()); err != nil {
		t.Errorf("after the files were renewed: %v", err)
	}
	if err := connect(t, c, config.Kafka{}); err == nil {
		t.Error("connected without TLS")
	}
	files.ServerName = "other.example.com"
	if err := connect(t, c, config.Kafka{TLS: files}); err == nil || !strings.Contains(err.Error(), "other.example.com") {
		t.Errorf("a broker under another name: %v", err)
	}
}

// tokenServer answers like an identity provider and keeps what it was asked.
type tokenServer struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	answer func(n int) (status int, body any)
}

func newTokenServer(t *testing.T, answer func(n int) (int, any)) *tokenServer {
	t.Helper()
	s := &tokenServer{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		s.mu.Lock()
		s.asked = append(s.asked, fmt.Sprintf("%s %s %s:%s %s %s", r.Method, r.URL.Path, user, pass, r.FormValue("grant_type"), r.FormValue("scope")))
		n := len(s.asked)
		s.mu.Unlock()
		status, body := s.answer(n)
		w.WriteHeader(status)
		if text, ok := body.(string); ok {
			_, _ = w.Write([]byte(text))
			return
		}
		_ = json.NewEncoder(w).Encode(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) source() *tokenSource {
	src := newTokenSource(config.OAuth{TokenURL: s.URL + "/token/", ClientID: "id", ClientSecret: config.NewSecret("s&cret"), Scope: "kafka"})
	src.http = s.Client()
	return src
}

func TestTokensAreFetchedOnceAndKeptUntilTheyExpire(t *testing.T) {
	life := 3600.0
	s := newTokenServer(t, func(n int) (int, any) {
		return http.StatusOK, map[string]any{"access_token": fmt.Sprint("token-", n), "expires_in": life}
	})
	src := s.source()
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if got, err := src.token(t.Context()); err != nil || got != "token-1" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if want := "POST /token/ id:s%26cret client_credentials kafka"; len(s.asked) != 1 || s.asked[0] != want {
		t.Errorf("asked %q, want once %q", s.asked, want)
	}
	if left := time.Until(src.until); left > 59*time.Minute || left < 58*time.Minute {
		t.Errorf("kept for %s: not renewed a minute early", left)
	}
	src.until = time.Now()
	if got, err := src.token(t.Context()); err != nil || got != "token-2" {
		t.Errorf("after it expired: %q, %v", got, err)
	}
}

func TestTokenFailures(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   any
		want   string
	}{
		{"refused", 401, map[string]string{"error": "invalid_client", "error_description": "no such client"}, "status 401 invalid_client no such client"},
		{"not JSON", 200, "<html>t0ken", "the answer holds no access_token"},
		{"without token", 200, map[string]any{"expires_in": 5}, "the answer holds no access_token"},
		{"broken server", 502, "<html>bad gateway", "status 502"},
	}
	for _, tt := range tests {
		s := newTokenServer(t, func(int) (int, any) { return tt.status, tt.body })
		_, err := s.source().token(t.Context())
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "s&cret") {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

func TestOAuthBearerSendsTokenAndExtensions(t *testing.T) {
	s := newTokenServer(t, func(int) (int, any) { return 200, map[string]any{"access_token": "abc"} })
	m, err := saslFrom(config.SASL{Mechanism: "OAUTHBEARER", OAuth: config.OAuth{
		TokenURL: s.URL, ClientID: "id", ClientSecret: config.NewSecret("x"), Extensions: map[string]string{"logicalCluster": "lkc-1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	_, first, err := m.Authenticate(t.Context(), "host")
	if err != nil || !bytes.Contains(first, []byte("auth=Bearer abc\x01")) || !bytes.Contains(first, []byte("logicalCluster=lkc-1")) {
		t.Errorf("got %q, %v", first, err)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add(200, []byte(`{"access_token":"a","expires_in":3600}`))
	f.Add(200, []byte(`{"access_token":"a","expires_in":1e300}`))
	f.Add(200, []byte(`{"access_token":"a","expires_in":-1}`))
	f.Add(400, []byte(`{"error":"x"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		token, life, err := parseToken(status, body)
		if err == nil && (token == "" || life < 0 || status != http.StatusOK) {
			t.Errorf("%d %q: token %q for %s", status, body, token, life)
		}
	})
}

func TestAWaitForATokenEndsWithItsContext(t *testing.T) {
	src := newTokenSource(config.OAuth{TokenURL: "http://127.0.0.1:1"})
	src.lock <- struct{}{} // somebody else is fetching
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := src.token(ctx); err == nil {
		t.Error("no error")
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t)
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pool: x509.NewCertPool()}
	a.pool.AddCert(cert)
	return a
}

// issue gives certificate and key in PEM, good for servers and clients.
func (a *authority) issue(t *testing.T, name string) (crt, key []byte) {
	t.Helper()
	private := newKey(t)
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		tpl.IPAddresses = []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
