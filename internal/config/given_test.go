package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGivenMasksSecrets(t *testing.T) {
	environ := []string{
		"HOME=/root", "PLANHAT_ACME_TOKEN=hush", "PLANHAT_ACME_TOKEN_FILE=/run/token", "PLANHAT_WORKSPACES=acme", "KAFKA_SASL_PASSWORD=hush",
		"KAFKA_SASL_PASWORD=hush", "SCHEMA_REGISTRY_URL=http://u:hush@r", "INSTANCE_ID=a", "LOG_LEVEL=", "KAFKA_PORT=tcp://10.0.0.1:9092",
		"TOPIC_PREFIX=" + strings.Repeat("x", 200),
	}
	want := []Given{
		{"INSTANCE_ID", "a"}, {"KAFKA_SASL_PASSWORD", masked}, {"KAFKA_SASL_PASWORD", masked}, {"PLANHAT_ACME_TOKEN", masked},
		{"PLANHAT_ACME_TOKEN_FILE", "/run/token"}, {"PLANHAT_WORKSPACES", "acme"}, {"SCHEMA_REGISTRY_URL", masked},
		{"TOPIC_PREFIX", strings.Repeat("x", maxShown) + "..."},
	}
	if diff := cmp.Diff(want, GivenIn(environ)); diff != "" {
		t.Error(diff)
	}
}

func TestVariable(t *testing.T) {
	if got := Variable("acme-eu", "TOKEN"); got != "PLANHAT_ACME_EU_TOKEN" {
		t.Error(got)
	}
	if got := AccountVariable("acme-eu", "WEBHOOK_USER"); got != "PIPEDRIVE_ACME_EU_WEBHOOK_USER" {
		t.Error(got)
	}
}

// Every secret of the configuration is among Secrets: a new one may not be forgotten.
func TestSecretsAreAll(t *testing.T) {
	c := Config{Planhat: []Workspace{{}}, Pipedrive: []Account{{}}}
	var want []string
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch {
		case v.Type() == reflect.TypeFor[*Secret]():
			value := "s" + string(rune('a'+len(want)))
			want = append(want, value)
			v.Set(reflect.ValueOf(NewSecret(value)))
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					fill(v.Field(i))
				}
			}
		case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
			for i := range v.Len() {
				fill(v.Index(i))
			}
		}
	}
	fill(reflect.ValueOf(&c).Elem())
	got := c.Secrets()
	slices.Sort(got)
	if len(want) < 8 || !slices.Equal(got, want) {
		t.Errorf("secrets %v, want %v", got, want)
	}
}
