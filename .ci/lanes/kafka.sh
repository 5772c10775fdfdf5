# The bridge on a real Apache Kafka 4, in a container. No registry is reachable
# where this runs, so the image is built first, under the name that a registry
# would give it.
. .ci/lib.sh
need mvn maven
need jlink default-jdk-headless
need javac default-jdk-headless
. .ci/engine.sh
check "image of Apache Kafka builds" .ci/kafka/build.sh
checks_done
BRIDGE_REQUIRE_DOCKER=1 go_test -count=1 -parallel 4 -timeout 230s ./test/realkafka/...
