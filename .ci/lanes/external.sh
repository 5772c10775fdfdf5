# The clients as a stranger uses them: from a module of its own, which must not pull
# in Kafka, Prometheus or Avro, nor need a type from internal/.
. .ci/lib.sh
root=$PWD
module=github.com/planhat-bridge/planhat-bridge
cd "$SCRATCH"
cat >consumer_test.go <<'GO'
package consumer

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/planhat-bridge/planhat-bridge/pipedrive"
	"github.com/planhat-bridge/planhat-bridge/planhat"
)

func TestPagesOfAnotherModule(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("Authorization = %q", got)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`[{"_id":"5c4b3a2918f7e6d5c4b3a291","name":"Acme"}]`))
	}))
	defer server.Close()
	client, err := planhat.New(server.URL, func() string { return "secret" })
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Page(context.Background(), planhat.Company, planhat.ListOptions{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != 1 || page.Rows[0].ID != "5c4b3a2918f7e6d5c4b3a291" {
		t.Fatalf("rows = %+v", page.Rows)
	}
}

func TestUnauthorizedIsAKind(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer server.Close()
	client, err := planhat.New(server.URL, func() string { return "secret" })
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Page(context.Background(), planhat.Company, planhat.ListOptions{})
	if planhat.KindOf(err) != planhat.KindUnauthorized {
		t.Fatalf("kind of %v = %v", err, planhat.KindOf(err))
	}
}

func TestDealsOfAnotherModule(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef01234567"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Api-Token"); got != token || r.URL.Path != "/api/v2/deals" {
			t.Errorf("token %q, path %s", got, r.URL.Path)
		}
		_, _ = w.Write([]byte(`{"success":true,"data":[{"id":7}],"additional_data":{"next_cursor":null}}`))
	}))
	defer server.Close()
	u, err := pipedrive.ParseURL(server.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := pipedrive.New(u, func() string { return token })
	if err != nil {
		t.Fatal(err)
	}
	page, err := client.Page(context.Background(), pipedrive.Deal, pipedrive.ListOptions{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) != 1 || page.Rows[0].ID != 7 || client.Usage().Spent != 10 {
		t.Fatalf("rows = %+v, usage %+v", page.Rows, client.Usage())
	}
}
GO
cat >go.mod <<MOD
module example.com/consumer

go 1.26.0

require $module v0.0.0

replace $module => $root
MOD
go mod tidy
go_test -count=1 ./...
light() {
	local heavy
	heavy=$(go list -deps -test ./... | grep -E 'franz-go|prometheus|hamba|twmb/avro' || true)
	[ -z "$heavy" ] || { say "a client pulls in:" "$heavy"; return 1; }
}
check "the clients pull in no Kafka, Prometheus or Avro" light

# Modules of the repository that use it from outside.
cd "$root"
while read -r mod; do
	case $mod in go.mod | tools/*) continue ;; esac
	check "module $(dirname "$mod") compiles" env -C "$(dirname "$mod")" go vet ./...
done < <(git ls-files -co --exclude-standard go.mod '**/go.mod')
checks_done
