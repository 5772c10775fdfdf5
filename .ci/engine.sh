# A container engine of the lane's own, on a socket of its own; sourced after
# lib.sh. The slow storage driver is for machines that are containers themselves.

need dockerd docker.io
need docker docker.io
unset DOCKER_CONTEXT
export DOCKER_HOST=unix://$SCRATCH/docker.sock DOCKER_CONFIG=$SCRATCH/config DOCKER_BUILDKIT=0
mkdir "$DOCKER_CONFIG"

start_engine() {
	dockerd --host "$DOCKER_HOST" --data-root "$SCRATCH/data" --exec-root "$SCRATCH/exec" \
		--pidfile "$SCRATCH/dockerd.pid" --storage-driver "$1" \
		--bridge none --iptables=false --ip6tables=false >"$SCRATCH/dockerd.log" 2>&1 &
	engine=$!
	wait_for 40 docker info
}
stop_engine() {
	kill "$engine" 2>/dev/null || true
	wait "$engine" 2>/dev/null || true
	# The engine leaves this mount behind once a container used the host's network.
	umount "$SCRATCH/exec/netns/default" 2>/dev/null || true
}
at_exit stop_engine
start_engine overlay2 || { stop_engine; start_engine vfs; } ||
	{ tail -n 40 "$SCRATCH/dockerd.log"; die "the container engine does not start"; }
