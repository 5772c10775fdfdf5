# Builds the image from local binaries (nothing is pulled) with an engine of the
# lane's own, on a socket of its own, and looks at it from outside; then test/container
# runs source and sink in it against a simulated vendor.
. .ci/lib.sh
. .ci/engine.sh

image=planhat-bridge:gate
check "image builds from local binaries" make -s image PREBUILT=1 IMAGE=$image VERSION=v0.0.0-gate
checks_done
run() { docker run --rm --network none --read-only --cap-drop ALL --security-opt no-new-privileges "$image" "$@"; }
same() { [ "$1" = "$2" ] || { say "have $1, want $2"; return 1; }; }
says() { local out; out=$("${@:2}" 2>&1) || { say "$out"; return 1; }; [[ $out == *"$1"* ]] || { say "$out"; return 1; }; }
trusts() { docker cp "$(docker create "$image")":/etc/ssl/certs/ca-certificates.crt - | tar -xO | grep -c 'BEGIN CERTIFICATE'; }
check "user is not root" same "$(docker inspect -f '{{.Config.User}}' $image)" 65532:65532
for program in source sink planhatctl; do
	check "/$program --version, read-only, without capabilities" says v0.0.0-gate run "/$program" --version
done
check "the default program is /source" same "$(docker inspect -f '{{json .Config.Cmd}}' $image)" '["/source"]'
check "there is no shell" exits 127 run /bin/sh -c true
check "bad configuration is exit code 2" exits 2 run /source --check
check "it carries the certificate authorities" trusts
checks_done
BRIDGE_REQUIRE_DOCKER=1 go_test -count=1 -timeout 150s ./test/container/...
