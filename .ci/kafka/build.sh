#!/usr/bin/env bash
# Builds the image apache/kafka of the version in pom.xml where no image registry
# can be reached: from Maven Central's jars and the Java that is installed.
# Needs docker, mvn and a JDK (javac, jlink).
#
#   .ci/kafka/build.sh
set -euo pipefail
cd "$(dirname "$0")"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
tree=$context/tree
mkdir -p "$tree/opt/kafka" "$tree/tmp"
chmod 1777 "$tree/tmp"

version=$(sed -n 's/.*<kafka.version>\(.*\)<.*/\1/p' pom.xml)
mvn -B -q -f pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$tree/opt/kafka/libs"
javac -cp "$tree/opt/kafka/libs/*" -d "$tree/opt/kafka" Start.java
cp log4j2.properties "$tree/opt/kafka/"

# What the broker asks of Java. Its log wants java.beans, which is in java.desktop.
jlink --add-modules java.base,java.desktop,java.logging,java.management,java.naming,java.rmi,java.security.jgss,java.security.sasl,java.sql,jdk.management,jdk.unsupported \
	--strip-java-debug-attributes --no-header-files --no-man-pages --output "$tree/opt/java"

# The system's libraries that Java is linked against, where it looks for them.
find "$tree/opt/java" -type f \( -name '*.so' -o -path '*/bin/java' \) -exec ldd {} + |
	grep -oE '(=> )?/[^ ]+ \(0x' | sed -E 's/^=> //; s/ \(0x$//' | grep -v "^$tree" | sort -u |
	while read -r library; do
		install -D "$(readlink -f "$library")" "$tree$library"
	done

cp Dockerfile "$context/"
docker build -q -t "apache/kafka:$version" "$context"
