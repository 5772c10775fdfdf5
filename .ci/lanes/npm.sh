# Pipedrive's own client, from npm and unmodified, against the simulated Pipedrive:
# every call that the bridge makes, and those that write back.
. .ci/lib.sh
need node nodejs
need npm npm
need curl curl
export npm_config_prefer_offline=true npm_config_audit=false npm_config_fund=false
git ls-files -co --exclude-standard test/npm | tar -cf - -T - | tar -xf - -C "$SCRATCH"
cd "$SCRATCH/test/npm"
npm ci --ignore-scripts
test -f node_modules/pipedrive/package.json || die "npm ci leaves no pipedrive"
cd - >/dev/null
go build -ldflags=-w -o "$SCRATCH/simulator" ./test/npm/simulator

# It ends when the pipe to it does.
mkfifo "$SCRATCH/alive"
"$SCRATCH/simulator" <"$SCRATCH/alive" >"$SCRATCH/where" 2>"$SCRATCH/simulator.log" &
exec 3>"$SCRATCH/alive"
wait_for 20 grep -q http "$SCRATCH/where" || { cat "$SCRATCH/simulator.log"; die "the simulator does not start"; }
read -r SIMULATOR_URL SIMULATOR_TOKEN <"$SCRATCH/where"
export SIMULATOR_URL SIMULATOR_TOKEN

rc=0
(cd "$SCRATCH/test/npm" && timeout 120 node --test --test-reporter=tap) 3>&- | tee "$SCRATCH/tap" || rc=$?
passed=$(sed -n 's/^# pass //p' "$SCRATCH/tap") failed=$(sed -n 's/^# fail //p' "$SCRATCH/tap")
count "${passed:-0}" "${failed:-1}" 0
[ "$rc" = 0 ] || die "node --test: exit code $rc"
[ "${passed:-0}" -ge 13 ] || die "only ${passed:-0} tests ran"
# Nothing that the client asked for was unknown to the simulator.
curl -sSf "$SIMULATOR_URL/_sim/calls" >"$SCRATCH/calls"
check "every path of the client is one of the simulator's" exits 1 grep -o '"[A-Z]* /"' "$SCRATCH/calls"
exec 3>&-
wait %1 || die "the simulator does not end well: $(cat "$SCRATCH/simulator.log")"
checks_done
