# The tables that Kafka Connect makes of the change topics equal Planhat, row by
# row: real Kafka, registry, Connect with Debezium's sink, and PostgreSQL, as
# examples/connect/run.sh starts them for anybody.
. .ci/lib.sh
need mvn maven
need javac default-jdk-headless
need psql postgresql-client
[ -n "$(command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ] || { apt_get update; apt_get install -y --no-install-recommends postgresql; }
id postgres >/dev/null || die "there is no user postgres to run the database"

out=$SCRATCH/run.log
mkdir "$SCRATCH/logs"
PORT=28400 LOGS=$SCRATCH/logs examples/connect/run.sh --no-bridge >"$out" 2>&1 &
pid=$!
at_exit "kill $pid 2>/dev/null; wait $pid 2>/dev/null"
go test -c -o "$SCRATCH/compiled" ./test/warehouse # while it starts
up() { grep -q ^REAL_KAFKA= "$out" || ! kill -0 "$pid"; }
wait_for 200 up || true
check "Kafka, registry, Connect and PostgreSQL are up" grep ^REAL_KAFKA= "$out"
[ "${CHECKS_FAILED:-0}" = 0 ] || tail -n 60 "$out"
checks_done
cat "$out"
while IFS= read -r variable; do export "${variable?}"; done < <(grep ^REAL_KAFKA= "$out" | tr ' ' '\n')
rc=0
BRIDGE_REQUIRE_WAREHOUSE=1 go_test -count=1 -timeout 200s ./test/warehouse/... || rc=$?
[ "$rc" = 0 ] || { tail -n 40 "$SCRATCH/logs/connect.log"; exit "$rc"; }
grep -oE 'tables: [0-9]+, typed cells [^\\"]*' "$SCRATCH/test.json"
