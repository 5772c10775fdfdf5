package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// registryTimeout bounds one request to the schema registry.
const registryTimeout = 10 * time.Second

// NewRegistry builds the client of the schema registry. Passwords and tokens
// are read anew for every request, so that a rotated one needs no restart.
func NewRegistry(c config.Registry) (*sr.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // of the standard library
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("set up the schema registry's client: SCHEMA_REGISTRY_CA_FILE: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("set up the schema registry's client: SCHEMA_REGISTRY_CA_FILE: %s holds no certificate in PEM form", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	opts := []sr.ClientOpt{
		sr.URLs(c.URLs...), sr.UserAgent("planhat-bridge"),
		sr.HTTPClient(&http.Client{Timeout: registryTimeout, Transport: &registryAuth{next: transport, config: c}}),
	}
	client, err := sr.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("set up the schema registry's client: %w", err)
	}
	return client, nil
}

// registryAuth adds the credentials in force to each request.
type registryAuth struct {
	next   http.RoundTripper
	config config.Registry
}

// RoundTrip implements http.RoundTripper.
func (a *registryAuth) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	switch {
	case a.config.Token.IsSet():
		r.Header.Set("Authorization", "Bearer "+a.config.Token.Current())
	case a.config.Username != "":
		r.SetBasicAuth(a.config.Username, a.config.Password.Current())
	}
	return a.next.RoundTrip(r)
}

// PingRegistry asks the registry for its list of subjects.
func PingRegistry(ctx context.Context, client *sr.Client) error {
	_, err := client.Subjects(ctx)
	if answer, ok := errors.AsType[*sr.ResponseError](err); ok && answer.StatusCode == http.StatusNotFound {
		return fmt.Errorf("ask the schema registry for its subjects: answered 404: %w; "+
			"remedy: give SCHEMA_REGISTRY_URL with the path of the Confluent-compatible API, such as /apis/ccompat/v7 of Apicurio", err)
	}
	if err != nil {
		return fmt.Errorf("ask the schema registry for its subjects: %w", err)
	}
	return nil
}
