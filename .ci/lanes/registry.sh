# A schema registry that others wrote: Apicurio, under the path of its
# Confluent-compatible API, asked what the bridge asks; then source and sink on it.
. .ci/lib.sh
need mvn maven
need java default-jre-headless
port=28381
.ci/registry/start.sh "$port" >"$SCRATCH/registry.log" 2>&1 &
registry=$!
at_exit "kill $registry 2>/dev/null; wait $registry 2>/dev/null"
go test -c -o "$SCRATCH/compiled" ./test/registry # while it starts
lists_subjects() {
	exec 3<>"/dev/tcp/127.0.0.1/$port" &&
		printf 'GET /apis/ccompat/v7/subjects HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3 | grep -q ' 200 '
}
check "Apicurio Registry starts" wait_for 120 lists_subjects
[ "${CHECKS_FAILED:-0}" = 0 ] || tail -n 40 "$SCRATCH/registry.log"
checks_done
export REAL_REGISTRY=http://127.0.0.1:$port/apis/ccompat/v7 BRIDGE_REQUIRE_REGISTRY=1
go_test -count=1 -timeout 100s ./test/registry/...
