# The command that the README tells a newcomer, to the letter; -json only counts.
. .ci/lib.sh
export GOFLAGS="-vet=off -p=3" # the lane of the format vets; suites wait more than they work
check "README.md names the test command" grep -qF 'go test ./...' README.md
# Suites of many like tests run a share of them, another one for each commit.
STORIES=$((0x$(git rev-parse HEAD | tail -c 3))) go_test ./...
checks_done
