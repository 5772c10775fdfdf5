package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// tlsFrom builds the TLS settings, nil where TLS is off. The CA file is read
// once; the client certificate is read for every handshake, so that a renewed
// one is used without a restart.
func tlsFrom(c config.TLS) (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_TLS_CA_FILE: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read KAFKA_TLS_CA_FILE: %s holds no PEM certificate", c.CAFile)
		}
	}
	if c.CertFile == "" {
		return out, nil
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE: %w", err)
		}
		return &pair, nil
	}
	if _, err := load(nil); err != nil { // fail now rather than at the first connection
		return nil, err
	}
	out.GetClientCertificate = load
	return out, nil
}

// saslFrom builds the mechanism, nil where SASL is off. The functions run for
// every new connection and read the secrets then.
func saslFrom(c config.SASL) (sasl.Mechanism, error) {
	switch c.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			return plain.Auth{User: c.Username, Pass: c.Password.Current()}, nil
		}), nil
	case "SCRAM-SHA-256":
		return scram.Sha256(scramAuth(c)), nil
	case "SCRAM-SHA-512":
		return scram.Sha512(scramAuth(c)), nil
	case "OAUTHBEARER":
		tokens := newTokenSource(c.OAuth)
		return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			token, err := tokens.token(ctx)
			if err != nil {
				return oauth.Auth{}, err
			}
			return oauth.Auth{Token: token, Extensions: c.OAuth.Extensions}, nil
		}), nil
	}
	return nil, fmt.Errorf("set up Kafka client: unknown SASL mechanism %q", c.Mechanism)
}

func scramAuth(c config.SASL) func(context.Context) (scram.Auth, error) {
	return func(context.Context) (scram.Auth, error) {
		return scram.Auth{User: c.Username, Pass: c.Password.Current()}, nil
	}
}
