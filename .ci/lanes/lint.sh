# The linter is pinned in tools/golangci-lint and built from there.
. .ci/lib.sh
lint() { go tool -modfile=tools/golangci-lint/go.mod golangci-lint "$@"; }
check "build golangci-lint" lint version
check "golangci-lint" lint run
# A module of its own, with the product's rules.
lint_examples() {
	local linter
	linter=$(go tool -n -modfile=tools/golangci-lint/go.mod golangci-lint) &&
		env -C examples/go "$linter" run --config ../../.golangci.yml
}
check "golangci-lint, examples/go" lint_examples
check "lint rules bite" .ci/lint-rules.sh
checks_done
