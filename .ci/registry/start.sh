#!/usr/bin/env bash
# Runs Apicurio Registry on 127.0.0.1 until it is stopped. It speaks the API of
# Confluent's registry, under a path, and keeps its schemas in memory:
#
#   .ci/registry/start.sh 8081 &
#   REAL_REGISTRY=http://127.0.0.1:8081/apis/ccompat/v7 go test ./test/registry
#
# The first time it comes from Maven Central and is unpacked into .cache. Needs
# mvn and Java 17. It is this process in the end: kill it by its id.
set -euo pipefail
port=${1:?usage: .ci/registry/start.sh PORT}
cd "$(dirname "$0")"
version=$(sed -n 's/.*<apicurio.version>\(.*\)<.*/\1/p' pom.xml)
home=$PWD/../../.cache/apicurio-registry-$version
if [ ! -d "$home" ]; then
	mkdir -p "${home%/*}"
	part=$(mktemp -d "$home.XXXXXX")
	mvn -B -q -f pom.xml dependency:unpack -DoutputDirectory="$part" -Dmarkers="$part/.unpacked"
	mv -T "$part" "$home" 2>/dev/null || rm -rf "$part" # another was faster
fi
cd "$home"
export QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$port
exec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar "apicurio-registry-app-$version-runner.jar"
