#!/usr/bin/env bash
# Proves that the lint rules bite: a scratch module with the same rooms gets one
# forbidden import or call per row below, and the linter must name each; rows
# marked "ok" are what the design allows, and must stay silent. It also checks
# that .golangci.yml names every linter that the pinned version has.
#
# Usage: .ci/lint-rules.sh            (from anywhere; needs Go)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
module=github.com/planhat-bridge/planhat-bridge
linter=$(go tool -n -modfile=tools/golangci-lint/go.mod golangci-lint)

# verdict | linter    | folder             | import (blank) or a statement
#         |           |                    | that uses the import before it
rules='
bad | depguard  | cdc                | github.com/twmb/franz-go/pkg/kgo
bad | depguard  | cdc                | github.com/prometheus/client_golang/prometheus
bad | depguard  | cdc                | @/planhat
bad | depguard  | cdc                | net/http
bad | depguard  | planhat            | github.com/twmb/franz-go/pkg/kgo
bad | depguard  | planhat            | github.com/prometheus/client_golang/prometheus
bad | depguard  | planhat            | @/internal/config
bad | depguard  | planhat            | @/cdc
bad | depguard  | schemas            | github.com/twmb/franz-go/pkg/kgo
bad | depguard  | schemas            | @/internal/config
bad | depguard  | internal/plan      | github.com/twmb/franz-go/pkg/kgo
bad | depguard  | internal/plan      | @/internal/config
bad | depguard  | internal/plan      | os
bad | depguard  | internal/plan      | @/internal/sink
bad | depguard  | internal/rest      | @/planhat
bad | depguard  | internal/config    | @/internal/kafka
bad | depguard  | internal/ops       | @/internal/kafka
bad | depguard  | internal/kafka     | @/internal/shard
bad | depguard  | internal/shard     | @/internal/source
bad | depguard  | internal/shard     | @/internal/service
bad | depguard  | internal/ops       | @/internal/service
bad | depguard  | planhat            | @/internal/service
bad | depguard  | internal/service   | @/internal/source
bad | depguard  | internal/service   | @/internal/sandbox
bad | depguard  | internal/source    | @/internal/sink
bad | depguard  | internal/sink      | @/internal/source
bad | depguard  | internal/sink      | @/internal/rest
bad | depguard  | internal/source    | github.com/twmb/avro
bad | depguard  | internal/sink      | github.com/hamba/avro/v2
bad | depguard  | internal/source    | github.com/twmb/franz-go/pkg/kfake
bad | depguard  | internal/kafka     | github.com/twmb/franz-go/pkg/sr/srfake
bad | depguard  | internal/sink      | @/internal/simulator/planhat
bad | depguard  | internal/sink      | @/internal/oracle
bad | depguard  | cmd/source         | @/internal/simulator/planhat
bad | depguard  | cmd/source         | @/internal/sandbox
bad | depguard  | cmd/sink           | @/internal/oracle
bad | depguard  | cmd/sink           | github.com/twmb/franz-go/pkg/kfake
bad | depguard  | internal/simulator | @/planhat
bad | depguard  | internal/simulator | @/pipedrive
bad | depguard  | internal/ops       | log
bad | forbidigo | internal/source    | github.com/twmb/franz-go/pkg/kgo : _, _ = kgo.NewClient()
bad | forbidigo | internal/source    | time : time.Sleep(1)
bad | forbidigo | internal/sink      | context : _ = context.Background()
bad | forbidigo | internal/sink      | os : _ = os.Getenv("X")
bad | forbidigo | internal/ops       | os : os.Exit(1)
bad | forbidigo | cdc                | time : _ = time.Now()
bad | sloglint  | internal/sink      | log/slog : slog.Default().Info("x" + string(os), "k", 1)
bad | sloglint  | internal/sink      | log/slog : slog.Default().Info("x", "camelCase", 1)
ok  | depguard  | schemas            | github.com/twmb/avro
ok  | depguard  | schemas            | github.com/twmb/franz-go/pkg/sr
ok  | depguard  | schemas            | @/planhat
ok  | depguard  | planhat            | @/internal/rest
ok  | depguard  | internal/plan      | @/planhat
ok  | depguard  | internal/plan      | @/schemas
ok  | depguard  | internal/service   | @/internal/kafka
ok  | depguard  | internal/service   | @/internal/ops
ok  | depguard  | internal/source    | @/internal/source
ok  | depguard  | internal/source    | @/internal/service
ok  | depguard  | internal/source    | @/internal/shard
ok  | depguard  | internal/source    | github.com/twmb/franz-go/pkg/kgo
ok  | depguard  | internal/kafka     | @/internal/config
ok  | depguard  | cmd/sandbox        | @/internal/simulator/planhat
ok  | depguard  | cmd/sandbox        | github.com/twmb/franz-go/pkg/kfake
ok  | depguard  | internal/sandbox   | @/internal/source
ok  | depguard  | internal/sandbox   | @/internal/oracle
ok  | depguard  | internal/sandbox   | github.com/twmb/franz-go/pkg/sr/srfake
ok  | depguard  | internal/oracle    | @/internal/kafka
ok  | forbidigo | internal/kafka     | github.com/twmb/franz-go/pkg/kgo : _, _ = kgo.NewClient()
ok  | depguard  | internal/oracle    | github.com/twmb/avro
ok  | forbidigo | internal/source    | time : _ = time.Now()
'
rooms='cdc planhat pipedrive schemas cmd/source cmd/sink cmd/sandbox internal/config
internal/kafka internal/oracle internal/ops internal/plan internal/rest internal/sandbox
internal/service internal/shard internal/simulator internal/simulator/planhat internal/sink
internal/source'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp go.mod go.sum .golangci.yml "$scratch/"
cd "$scratch"
for room in $rooms; do
	mkdir -p "$room"
	printf 'package stub\n' >"$room/stub.go"
done

trim() { local s=$1; s=${s#"${s%%[![:space:]]*}"}; printf '%s' "${s%"${s##*[![:space:]]}"}"; }

n=0
declare -A want
while IFS='|' read -r verdict name folder what; do
	[ -n "$what" ] || continue
	n=$((n + 1))
	verdict=$(trim "$verdict") name=$(trim "$name") folder=$(trim "$folder") what=$(trim "$what")
	dir=$folder/rule$n
	mkdir "$dir"
	import=$(trim "${what%% : *}")
	import=${import/#@/$module}
	if [[ $what == *' : '* ]]; then
		printf 'package rule\n\nimport "%s"\n\nconst os = 1\n\nfunc f() { %s }\n' "$import" "${what#* : }" >"$dir/rule.go"
		[ "$import" != os ] || sed -i '/^const os/d' "$dir/rule.go"
	else
		printf 'package rule\n\nimport _ "%s"\n' "$import" >"$dir/rule.go"
	fi
	want["$dir/rule.go $name"]="$verdict | $folder | $what"
done <<<"$rules"

go list -e -f '{{if .Error}}{{.ImportPath}}: {{.Error}}{{end}}' ./... >&2
"$linter" run --output.text.path stderr --output.text.print-issued-lines=false \
	--enable-only depguard,forbidigo,sloglint --issues-exit-code 0 2>"$scratch/found" ||
	{ cat "$scratch/found" >&2; exit 1; }

failed=0
for key in "${!want[@]}"; do
	file=${key% *} name=${key#* } row=${want[$key]}
	if grep -q "^$file:.*($name)\$" "$scratch/found"; then seen=bad; else seen=ok; fi
	if [ "$seen" != "${row%% *}" ]; then
		failed=$((failed + 1))
		echo "lint rule does not hold: $row: want ${row%% *}, linter says $seen" >&2
		grep "^$file:" "$scratch/found" >&2 || true
	fi
done

# Every linter on or off, by name.
unnamed=$("$linter" help linters | sed -n 's/^\([a-z][a-z0-9_]*\).*: .*/\1/p' |
	while read -r l; do
		[ "$l" = wsl ] || grep -q "^    - $l #" "$root/.golangci.yml" || echo "$l"
	done)
if [ -n "$unnamed" ]; then
	echo ".golangci.yml names neither on nor off, with a reason:" $unnamed >&2
	failed=$((failed + 1))
fi

echo "$((n - failed)) lint rules hold, $failed do not"
[ "$failed" = 0 ]
