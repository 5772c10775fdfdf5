package kafka

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/internal/config"
)

// A URL without the path of the API is told from a registry in trouble.
func TestPingRegistryNamesAWrongPath(t *testing.T) {
	for status, remedy := range map[int]bool{http.StatusNotFound: true, http.StatusServiceUnavailable: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", status)
		}))
		client, err := NewRegistry(config.Registry{URLs: []string{server.URL}})
		if err != nil {
			t.Fatal(err)
		}
		err = PingRegistry(t.Context(), client)
		if err == nil || strings.Contains(err.Error(), "remedy: give SCHEMA_REGISTRY_URL with the path") != remedy {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
}
