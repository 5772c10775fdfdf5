# The race detector needs a C compiler and the C library's headers. It sees one
# process: suites that only start others are left to the lanes that run them, and
# hours of virtual time to the lane of the tests: internal/source runs the same
# here. -short leaves out variants that pass the same goroutines, and so do
# the suites of faults, switches and workspaces, which tell of the same bridge as the tests of
# its rooms. Rooms without a goroutine (plan, oracle) have no races; the simulators are raced
# by whoever uses them.
. .ci/lib.sh
export GOFLAGS=-vet=off # the lane of the format vets
need gcc gcc
[ -e /usr/include/stdlib.h ] || { apt_get update; apt_get install -y --no-install-recommends libc6-dev; }
CGO_ENABLED=1 go_test -race -short -count=1 $(go list ./... | grep -vE '/internal/(ctl|plan|oracle|simulator/[a-z]+)$|/test/(brokerfaults|container|contract|crash|faults|flood|freshness|pairs|pipedrive|realkafka|registry|roundtrip|scale|sinkfaults|share|startup|throughput|warehouse|workspaces)$')
