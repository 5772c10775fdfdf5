package config

func (l *loader) kafka() Kafka {
	s := &l.s
	k := Kafka{
		Brokers: s.KafkaBrokers, ClientID: s.KafkaClientID, LogLevel: s.KafkaLogLevel,
		TLS:  TLS{Enabled: bool(s.KafkaTLS), CAFile: s.KafkaTLSCA, CertFile: s.KafkaTLSCert, KeyFile: s.KafkaTLSKey, ServerName: s.KafkaTLSServerName},
		SASL: l.sasl(),
	}
	l.tls(k.TLS)
	return k
}

func (l *loader) tls(t TLS) {
	if !t.Enabled && l.clean("KAFKA_TLS_ENABLED") {
		l.uselessWithout("KAFKA_TLS_ENABLED=true", []string{"KAFKA_TLS_CA_FILE", "KAFKA_TLS_CERT_FILE", "KAFKA_TLS_KEY_FILE", "KAFKA_TLS_SERVER_NAME"})
	}
	l.needs(t.CertFile != "" && t.KeyFile == "", "KAFKA_TLS_KEY_FILE", "goes with KAFKA_TLS_CERT_FILE")
	l.needs(t.KeyFile != "" && t.CertFile == "", "KAFKA_TLS_CERT_FILE", "goes with KAFKA_TLS_KEY_FILE")
}

// sasl checks that what the mechanism needs is there, and that nothing else
// is: a password that no mechanism uses is a mechanism forgotten.
func (l *loader) sasl() SASL {
	s := &l.s
	out := SASL{
		Mechanism: s.KafkaMechanism, Username: s.KafkaUsername,
		Password: l.secretFrom("KAFKA_SASL_PASSWORD", s.KafkaPassword, s.KafkaPasswordFile),
		OAuth: OAuth{
			TokenURL: string(s.OAuthTokenURL), ClientID: s.OAuthClientID, Scope: s.OAuthScope, Extensions: s.OAuthExtensions,
			ClientSecret: l.secretFrom("KAFKA_OAUTH_CLIENT_SECRET", s.OAuthClientSecret, s.OAuthClientSecretFile),
		},
	}
	if !l.clean("KAFKA_SASL_MECHANISM") {
		return out
	}
	oauth, password := out.Mechanism == "OAUTHBEARER", out.Mechanism != "" && out.Mechanism != "OAUTHBEARER"
	l.needs(password && out.Username == "", "KAFKA_SASL_USERNAME", "KAFKA_SASL_MECHANISM="+out.Mechanism+" needs it")
	l.needs(password && !out.Password.IsSet(), "KAFKA_SASL_PASSWORD", "KAFKA_SASL_MECHANISM="+out.Mechanism+" needs it, here or in KAFKA_SASL_PASSWORD_FILE")
	l.needs(oauth && out.OAuth.TokenURL == "", "KAFKA_OAUTH_TOKEN_URL", "KAFKA_SASL_MECHANISM=OAUTHBEARER needs it")
	l.needs(oauth && out.OAuth.ClientID == "", "KAFKA_OAUTH_CLIENT_ID", "KAFKA_SASL_MECHANISM=OAUTHBEARER needs it")
	l.needs(oauth && !out.OAuth.ClientSecret.IsSet(), "KAFKA_OAUTH_CLIENT_SECRET", "KAFKA_SASL_MECHANISM=OAUTHBEARER needs it, here or in KAFKA_OAUTH_CLIENT_SECRET_FILE")
	if !password {
		l.uselessWithout("KAFKA_SASL_MECHANISM set to PLAIN or SCRAM", []string{"KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD", "KAFKA_SASL_PASSWORD_FILE"})
	}
	if !oauth {
		l.uselessWithout("KAFKA_SASL_MECHANISM=OAUTHBEARER", []string{"KAFKA_OAUTH_TOKEN_URL", "KAFKA_OAUTH_CLIENT_ID",
			"KAFKA_OAUTH_CLIENT_SECRET", "KAFKA_OAUTH_CLIENT_SECRET_FILE", "KAFKA_OAUTH_SCOPE", "KAFKA_OAUTH_EXTENSIONS"})
	}
	return out
}

func (l *loader) registry() Registry {
	s := &l.s
	out := Registry{
		URLs: s.RegistryURL, Username: s.RegistryUsername, CAFile: s.RegistryCA, AutoRegister: bool(s.AutoRegister),
		Password: l.secretFrom("SCHEMA_REGISTRY_PASSWORD", s.RegistryPassword, s.RegistryPasswordFile),
		Token:    l.secretFrom("SCHEMA_REGISTRY_TOKEN", s.RegistryToken, s.RegistryTokenFile),
	}
	l.needs(out.Username != "" && !out.Password.IsSet(), "SCHEMA_REGISTRY_PASSWORD", "goes with SCHEMA_REGISTRY_USERNAME, here or in SCHEMA_REGISTRY_PASSWORD_FILE")
	l.needs(out.Username == "" && out.Password.IsSet(), "SCHEMA_REGISTRY_USERNAME", "goes with SCHEMA_REGISTRY_PASSWORD")
	if out.Token.IsSet() && out.Username != "" {
		l.addf("SCHEMA_REGISTRY_USERNAME", "cannot go with SCHEMA_REGISTRY_TOKEN; keep the token, or user and password")
	}
	return out
}

// needs reports a variable that is missing, unless something else is wrong
// with it or its file already.
func (l *loader) needs(missing bool, variable, why string) {
	if missing && l.clean(variable) && l.clean(variable+"_FILE") {
		l.addf(variable, "is missing: %s; set it", why)
	}
}

func (l *loader) uselessWithout(what string, variables []string) {
	for _, v := range variables {
		if l.env[v] != "" && l.clean(v) {
			l.addf(v, "has no effect without %s; set that, or take this away", what)
		}
	}
}
