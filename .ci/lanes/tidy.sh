# Every module of the repository: the product's, the tools', and others.
. .ci/lib.sh
while read -r mod; do
	check "tidy $mod" go -C "$(dirname "$mod")" mod tidy -diff
done < <(git ls-files -co --exclude-standard 'go.mod' '**/go.mod')
check "go mod verify" go mod verify
checks_done
