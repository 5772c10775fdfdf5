# The linter is pinned in tools/golangci-lint and built from there.
. .ci/lib.sh
lint() { go tool -modfile=tools/golangci-lint/go.mod golangci-lint "$@"; }
check "build golangci-lint" lint version
check "golangci-lint" lint run
check "lint rules bite" .ci/lint-rules.sh
checks_done
