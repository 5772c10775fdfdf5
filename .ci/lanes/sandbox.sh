# A clean run ends with 0; each sabotage must be found by the oracle: exit code 1.
. .ci/lib.sh
sandbox=$SCRATCH/sandbox
check "build the sandbox" go build -o "$sandbox" ./cmd/sandbox
checks_done
check "sandbox, 20 s" exits 0 timeout 90 "$sandbox" --duration 20s
for what in drop invent swap double-result; do
	check "sandbox finds --sabotage $what" exits 1 timeout 60 "$sandbox" --duration 10s --sabotage "$what"
done
checks_done
