# A consumer that shares no code with the bridge reads a change: planhatctl makes
# it, kcat (librdkafka) finds and fetches it, Apache Avro's own reader decodes it
# by the schema that the registry gives. (Debian's kcat is built without Avro.)
. .ci/lib.sh
need kcat kcat
need /usr/bin/python3 python3
/usr/bin/python3 -c 'import avro' 2>/dev/null || { apt_get update; apt_get install -y --no-install-recommends python3-avro; }
topic=planhat.changes.demo.company
out=$SCRATCH/sandbox.log
go build -o "$SCRATCH/" ./cmd/sandbox ./cmd/planhatctl
"$SCRATCH/sandbox" --companies 50 --kafka-port 29192 --registry-port 28181 --planhat-port 28180 \
	--source-port 29202 --sink-port 29203 --pipedrive-port 0 --webhook-port 0 >"$out" 2>&1 &
pid=$!
at_exit "kill $pid 2>/dev/null; wait $pid 2>/dev/null"

# The sandbox says where its broker and its registry listen.
address() { grep -oiE "$1[^0-9]*127\.0\.0\.1:[0-9]+" "$out" | grep -oE '127\.0\.0\.1:[0-9]+' | head -n 1; }
listens() { [ -n "$(address kafka)" ] && [ -n "$(address registry)" ]; }
wait_for 30 listens || { cat "$out"; die "the sandbox names no broker and registry"; }
broker=$(address kafka) registry=$(address registry)
say "broker $broker, registry $registry, topic $topic"

send() { # FIELD... prints the result and leaves it in $SCRATCH/sent
	local sets=() f
	for f in "$@"; do sets+=(--set "$f"); done
	"$SCRATCH/planhatctl" send --bootstrap "$broker" --registry "http://$registry" --workspace demo \
		--object company --op upsert --external-id c-1 "${sets[@]}" >"$SCRATCH/sent" 2>&1 || true
	cat "$SCRATCH/sent"
}
answers() { # WANT FIELD...
	local want=$1
	shift
	send "$@"
	grep -qE "^$want" "$SCRATCH/sent"
}
# The snapshot comes first; the two seconds are those of a source at rest.
snapshot() { [ "$(kcat -C -b "$broker" -t "$topic" -X isolation.level=read_committed -o beginning -e -f '%k\n' 2>/dev/null | wc -l)" -ge 50 ]; }
check "the snapshot is on the topic" wait_for 60 snapshot

check "send: OK CREATED with the id" answers 'OK CREATED company [0-9a-f]{24}' name=Acme 'custom.Region 🌍=EMEA'
sent=$(date +%s%N)
id=$(grep -oE '[0-9a-f]{24}' "$SCRATCH/sent" | head -n 1)
place() { # of the change: partition and offset
	kcat -C -b "$broker" -t "$topic" -X isolation.level=read_committed -o beginning -e -f '%p %o %k\n' 2>/dev/null |
		awk -v id="$id" '$3 == id { print $1, $2; found = 1; exit } END { exit !found }' >"$SCRATCH/place"
}
on_topic() {
	until place; do [ $((($(date +%s%N) - sent) / 1000000)) -lt 2000 ] || { echo "not there after 2 s"; return 1; }; done
	echo "there after $((($(date +%s%N) - sent) / 1000000)) ms"
}
check "the change is on the topic within 2 s" on_topic
read_change() {
	local partition offset
	read -r partition offset <"$SCRATCH/place"
	# -D '': nothing is written between records, so the file is one value.
	timeout 15 kcat -C -b "$broker" -t "$topic" -p "$partition" -X isolation.level=read_committed \
		-o "$offset" -c 1 -u -D '' >"$SCRATCH/value" && [ -s "$SCRATCH/value" ]
}
decode_change() {
	/usr/bin/python3 .ci/read_change.py "http://$registry" <"$SCRATCH/value" | tee "$SCRATCH/change.json"
	grep -q Acme "$SCRATCH/change.json" && grep -q 'EMEA' "$SCRATCH/change.json"
}
check "kcat reads that change" read_change
check "Apache Avro decodes it by the registry's schema" decode_change
check "send: the same again is OK UNCHANGED" answers 'OK UNCHANGED' name=Acme 'custom.Region 🌍=EMEA'
check "send: a misspelt field is REJECTED with a suggestion" answers 'REJECTED UNKNOWN_FIELD.*did you mean "name"' nmae=x
cat "$SCRATCH/change.json" 2>/dev/null | head -n 40 || true
checks_done
