package planhat_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/planhat"
)

// A record that does not exist may be answered with 200 and null.
func TestNullIsNotFoundExceptForACreate(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(" null\n")) }))
	t.Cleanup(server.Close)
	c, err := planhat.New(server.URL, func() string { return "t" }, planhat.WithRetry(planhat.Retry{Attempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	id := planhat.ByID("66f0a1b2c3d4e5f600000001")
	if _, err := c.Get(t.Context(), planhat.Company, id); planhat.KindOf(err) != planhat.KindNotFound {
		t.Errorf("Get: %v", err)
	}
	if _, err := c.Update(t.Context(), planhat.Company, id, []byte(`{"name":"x"}`)); planhat.KindOf(err) != planhat.KindNotFound {
		t.Errorf("Update: %v", err)
	}
	if _, err := c.Create(t.Context(), planhat.Company, []byte(`{"name":"x"}`)); planhat.KindOf(err) != planhat.KindAmbiguous {
		t.Errorf("Create: %v, want an outcome that is unknown", err)
	}
}
