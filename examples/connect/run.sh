#!/usr/bin/env bash
# Planhat's records as tables of PostgreSQL, all on this machine and on 127.0.0.1:
# Apache Kafka, Apicurio Registry, Kafka Connect with warehouse.json, PostgreSQL,
# a simulated Planhat whose users keep editing, and the source. Runs until it is
# interrupted; nothing is left behind but the jars in .cache.
#
#   examples/connect/run.sh               all of it
#   examples/connect/run.sh --no-bridge   without Planhat and source: bring your own
#
# Needs mvn, a JDK (17), PostgreSQL's server and Go. PORT is the first of seven ports
# (29300); LOGS a directory for what each part says. Root runs PostgreSQL as the user postgres.
set -euo pipefail
[ "$*" = "" ] || [ "$*" = --no-bridge ] || { echo "usage: examples/connect/run.sh [--no-bridge]" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
: "${PORT:=29300}"
kafka=127.0.0.1:$PORT controller=127.0.0.1:$((PORT + 1)) registry=127.0.0.1:$((PORT + 2))
connect=127.0.0.1:$((PORT + 3)) postgres=$((PORT + 4)) planhat=$((PORT + 5)) admin=127.0.0.1:$((PORT + 6))
version() { sed -n "s/.*<$1.version>\(.*\)<.*/\1/p" "$here/pom.xml"; }
jars=$root/.cache/connect-$(version kafka)-$(version apicurio)-$(version debezium)
scratch=$(mktemp -d)
logs=${LOGS:-$scratch}
started=() part=''
stop() {
	trap - EXIT TERM INT
	[ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null || true
	wait || true
	rm -rf "$scratch" ${part:+"$part"}
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
# start NAME COMMAND...: in the background; what it says is in $logs/NAME.log
start() {
	local name=$1
	shift
	"$@" >"$logs/$name.log" 2>&1 &
	started+=($!)
	eval "${name}_pid=$!"
}
# await NAME COMMAND...: until it succeeds; fails when process NAME has ended
await() {
	local name=$1 pid=${1}_pid end=$((SECONDS + 120))
	shift
	until "$@" >/dev/null 2>&1; do
		if ! kill -0 "${!pid}" 2>/dev/null || [ "$SECONDS" -ge "$end" ]; then
			tail -n 40 "$logs/$name.log"
			echo "$name does not start; the end of its log is above" >&2
			exit 1
		fi
		sleep 0.2
	done
	echo "$name is up after $SECONDS s"
}
ask() { # ADDRESS METHOD PATH [JSON]: the answer, if its status is 200
	local line
	exec 3<>"/dev/tcp/${1/://}" &&
		printf '%s %s HTTP/1.0\r\nHost: %s\r\nContent-Length: %s\r\n\r\n%s' "$2" "$3" "$1" "$(wc -c <<<"${4:-}")" "${4:-}"$'\n' >&3 &&
		read -r line <&3 && [[ $line == *' 200 '* ]] && cat <&3
}
running() { # the connector
	local status
	status=$(ask "$connect" GET /connectors/planhat-warehouse/status) && [[ $status == *'"tasks":[{"id":0,"state":"RUNNING"'* ]]
}

if [ ! -d "$jars" ]; then
	mkdir -p "${jars%/*}"
	part=$(mktemp -d "$jars.XXXXXX")
	mvn -B -q -f "$here/pom.xml" -P worker dependency:copy-dependencies -DoutputDirectory="$part/worker"
	# Connect gives a converter Kafka's own classes: an older release's beside them break it.
	mvn -B -q -f "$here/pom.xml" -P converter dependency:copy-dependencies dependency:unpack -DexcludeGroupIds=org.apache.kafka \
		-DoutputDirectory="$part/plugins/apicurio-converter" -Dplugins="$part/plugins" -Dmarkers="$scratch/markers"
	# Its list of plugins, which that release lacks; without, the worker opens every jar.
	mkdir -p "$scratch/list/META-INF/services"
	echo io.apicurio.registry.utils.converter.AvroConverter >"$scratch/list/META-INF/services/org.apache.kafka.connect.storage.Converter"
	jar --create --file "$part/plugins/apicurio-converter/list.jar" -C "$scratch/list" .
	cp "$root/.ci/kafka/log4j2.properties" "$part/worker/"
	mv -T "$part" "$jars" 2>/dev/null || rm -rf "$part" # another was faster
fi
java=(java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$jars/worker:$jars/worker/*")

start registry "$root/.ci/registry/start.sh" "${registry#*:}"

cat >"$scratch/kafka.properties" <<KAFKA
node.id=1
process.roles=broker,controller
controller.quorum.voters=1@$controller
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
listeners=PLAINTEXT://$kafka,CONTROLLER://$controller
advertised.listeners=PLAINTEXT://$kafka
log.dirs=$scratch/kafka
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=3
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
KAFKA
broker() {
	"${java[@]}" kafka.tools.StorageTool format -t 5L6g3nShT-eMCtK--X86sw -c "$scratch/kafka.properties" &&
		exec "${java[@]}" -Xmx512m kafka.Kafka "$scratch/kafka.properties"
}
start kafka broker

pg=$(dirname "$(readlink -f "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")")
data=$(mktemp -d "$scratch/postgres.XXXXXX")
as=()
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$scratch"
	chown postgres "$data"
	as=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi
database() {
	cd "$data"
	"${as[@]}" "$pg/initdb" -D "$data/db" -U warehouse --auth=trust --encoding=UTF8 --no-sync &&
		exec "${as[@]}" "$pg/postgres" -D "$data/db" -p "$postgres" -k "$data" -c listen_addresses=127.0.0.1 -c fsync=off
}
start postgres database

export PLANHAT_WORKSPACE=demo REGISTRY_URL=http://$registry/apis/registry/v2
export WAREHOUSE_URL=jdbc:postgresql://127.0.0.1:$postgres/postgres WAREHOUSE_USERNAME=warehouse WAREHOUSE_PASSWORD=none
sed -e "s|^bootstrap.servers=.*|bootstrap.servers=$kafka|" -e "s|^listeners=.*|listeners=http://$connect|" \
	-e "s|^plugin.path=.*|plugin.path=$jars/plugins\nplugin.discovery=service_load|" -e "s|^offset.storage.file.filename=.*|offset.storage.file.filename=$scratch/offsets|" \
	"$here/worker.properties" >"$scratch/worker.properties"
worker() { exec "${java[@]}" -Xmx512m org.apache.kafka.connect.cli.ConnectStandalone "$scratch/worker.properties" "$here/warehouse.json"; }

await postgres "$pg/pg_isready" -h 127.0.0.1 -p "$postgres"
await kafka grep -q 'Kafka Server started' "$logs/kafka.log"
start connect worker
await registry ask "$registry" GET /apis/ccompat/v7/subjects
await connect running
database_url=postgresql://warehouse@127.0.0.1:$postgres/postgres
if [ "$*" = --no-bridge ]; then
	echo "REAL_KAFKA=$kafka REAL_REGISTRY=http://$registry/apis/ccompat/v7 WAREHOUSE=$database_url"
else
	go -C "$root" build -o "$scratch/" ./cmd/sandbox ./cmd/source
	start planhat "$scratch/sandbox" --only simulators --companies 100 --planhat-port "$planhat" --pipedrive-port 0
	export KAFKA_BOOTSTRAP_SERVERS=$kafka SCHEMA_REGISTRY_URL=http://$registry/apis/ccompat/v7 TOPIC_REPLICATION_FACTOR=1
	export PLANHAT_WORKSPACES=$PLANHAT_WORKSPACE PLANHAT_TOKEN=sim-token PLANHAT_BASE_URL=http://127.0.0.1:$planhat
	export PLANHAT_CALLS_PER_MINUTE=6000 PLANHAT_FRESHNESS='*:1s' ADMIN_ADDR=$admin INSTANCE_ID=source-0
	unset PLANHAT_WORKSPACE
	await planhat ask "127.0.0.1:$planhat" GET /_sim/life
	start source "$scratch/source"
	await source ask "$admin" GET /readyz
	ask "127.0.0.1:$planhat" POST /_sim/life '{"rate":5}' >/dev/null
	echo "Planhat's users make five changes a second; look at them with"
	echo "  psql $database_url -c 'select \"_id\", name, phase, custom->>'\''Seats'\'' as seats from company order by \"updatedAt\" desc limit 5'"
fi
wait -n "${started[@]}" || true
echo "a part has ended by itself; what each said is in LOGS" >&2
exit 1
