# A consumer that shares no code with the bridge reads a change of the sandbox:
# kcat (librdkafka) fetches it, Apache Avro's own reader decodes it by the schema
# that the registry gives.
. .ci/lib.sh
need kcat kcat
need /usr/bin/python3 python3
/usr/bin/python3 -c 'import avro' 2>/dev/null || { apt_get update; apt_get install -y --no-install-recommends python3-avro; }
topic=${KCAT_TOPIC:-planhat.changes.acme.company}
out=$SCRATCH/sandbox.log
go build -o "$SCRATCH/sandbox" ./cmd/sandbox
"$SCRATCH/sandbox" --duration 60s >"$out" 2>&1 &
pid=$!
at_exit "kill $pid 2>/dev/null; wait $pid 2>/dev/null"

# The sandbox says where its broker and its registry listen.
address() { grep -oiE "$1[^0-9]*127\.0\.0\.1:[0-9]+" "$out" | grep -oE '127\.0\.0\.1:[0-9]+' | head -n 1; }
listens() { [ -n "$(address kafka)" ] && [ -n "$(address registry)" ]; }
wait_for 30 listens || { cat "$out"; die "the sandbox names no broker and registry"; }
broker=$(address kafka) registry=$(address registry)
say "broker $broker, registry $registry, topic $topic"

consume() { # -D '': nothing is written between records, so the file is one value
	timeout 15 kcat -C -b "$broker" -t "$topic" -X isolation.level=read_committed \
		-o beginning -c 1 -u -D '' >"$SCRATCH/value" 2>"$SCRATCH/kcat.err" && [ -s "$SCRATCH/value" ]
}
read_change() { wait_for 40 consume || { cat "$SCRATCH/kcat.err" "$out"; return 1; }; }
decode_change() { /usr/bin/python3 .ci/read_change.py "http://$registry" <"$SCRATCH/value" | tee "$SCRATCH/change.json"; }
check "kcat reads a committed change" read_change
check "Apache Avro decodes it by the registry's schema" decode_change
head -n 40 "$SCRATCH/change.json"
checks_done
