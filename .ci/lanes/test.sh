# The command that the README tells a newcomer, to the letter; -json only counts.
. .ci/lib.sh
export GOFLAGS="-vet=off -p=3" # the lane of the format vets; suites wait more than they work
check "README.md names the test command" grep -qF 'go test ./...' README.md
go_test ./...
checks_done
