# A clean run ends with 0 and says so in its last two lines; each sabotage must
# be found by the oracle at both vendors' topics, which names topic, offset and id:
# exit code 1.
. .ci/lib.sh
sandbox=$SCRATCH/sandbox
check "build the sandbox" go build -o "$sandbox" ./cmd/sandbox
checks_done
clean() {
	timeout 150 "$sandbox" --duration 20s >"$SCRATCH/clean" || { cat "$SCRATCH/clean"; return 1; }
	tail -n 2 "$SCRATCH/clean"
	tail -n 2 "$SCRATCH/clean" | head -n 1 |
		grep -qE '^coverage: objects=26/26 ops=5/5 faults=429:[1-9][0-9]*,5xx:[1-9][0-9]*,timeout-after-effect:[1-9][0-9]*,reset:[1-9][0-9]*,truncated:[1-9][0-9]* webhooks=answered:[1-9][0-9]*,retried:[0-9]+,repeated:[1-9][0-9]*,lost:[1-9][0-9]*$' || return 1
	tail -n 1 "$SCRATCH/clean" | sed -nE 's/^oracle: ok changes=([0-9]+) commands=([0-9]+) results=([0-9]+) mismatches=0$/\1 \2 \3/p' |
		awk '{ ok = $1 >= 2000 && $2 >= 500 && $2 == $3 } END { exit !ok }'
}
check "sandbox, 20 s" clean
found() { # SABOTAGE: what its run, which has ended, said
	local vendors="planhat pipedrive" v
	[ "$1" != double-result ] || vendors=planhat
	for v in $vendors; do
		grep -E "topic=$v\.[^ ]+ .*offset=[0-9]+ .*id=[^ ]+" "$SCRATCH/$1" || { tail -n 20 "$SCRATCH/$1"; return 1; }
	done
	grep -qx 'exit code 1' "$SCRATCH/$1" ||
		{ tail -n 20 "$SCRATCH/$1"; return 1; }
}
sabotage() { # SABOTAGE PORT: run it with ports from PORT on, and leave what it said and its exit code
	local rc=0
	timeout 150 "$sandbox" --duration 8s --sabotage "$1" --kafka-port "$2" --registry-port $(($2 + 1)) \
		--planhat-port $(($2 + 2)) --source-port $(($2 + 3)) --sink-port $(($2 + 4)) --pipedrive-port $(($2 + 5)) --webhook-port $(($2 + 6)) >"$SCRATCH/$1" 2>&1 || rc=$?
	echo "exit code $rc" >>"$SCRATCH/$1"
}
# Two at a time: they wait for the clock more than they compute.
for pair in "drop invent" "swap double-result"; do
	port=28500
	for what in $pair; do
		sabotage "$what" "$port" &
		port=$((port + 10))
	done
	wait
	for what in $pair; do check "sandbox finds --sabotage $what" found "$what"; done
done
checks_done
