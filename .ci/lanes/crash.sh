# Real child processes, killed and started again, held to the oracle. These tests
# run in no -short test run; here they run in full.
. .ci/lib.sh
go_test -count=1 -timeout 280s ./test/crash/...
