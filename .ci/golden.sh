#!/usr/bin/env bash
# Writes every generated file anew: go generate, then the golden files of each
# package whose tests take -update. Look at the diff before you commit it.
set -euo pipefail
cd "$(dirname "$0")/.."
go generate ./...
packages=$(git ls-files -co --exclude-standard '*_test.go' |
	xargs -r grep -lE 'flag\.Bool(Var)?\((&[a-zA-Z]+, )?"update"' | xargs -r -n 1 dirname | sort -u | sed 's|^|./|')
if [ -n "$packages" ]; then
	go test -count=1 $packages -update
fi
git status --short
