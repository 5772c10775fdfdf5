# What every editor does on saving.
. .ci/lib.sh
unformatted() {
	local found
	found=$(git ls-files -co --exclude-standard '*.go' | xargs -r gofmt -l)
	[ -z "$found" ] || { say "$found"; return 1; }
}
check gofmt unformatted
check "go vet" go vet ./...
checks_done
