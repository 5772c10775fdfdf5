# Each protection is taken out of a scratch copy; the test that its patch names
# must fail there. The program prints a line for each, and counts.
. .ci/lib.sh
need patch patch
# One gate proves an eighth of them, by the commit; all together are `make protections`.
part=$((0x$(git rev-parse HEAD | tail -c 2) % 8 + 1))
rc=0
make -s protections PART="$part" 2>&1 | tee "$SCRATCH/protections.log" || rc=$?
read -r passed failed < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed.*/\1 \2/p' "$SCRATCH/protections.log" | tail -n 1) ||
	die "the program ended without its count"
count "$passed" "$failed" 0
[ "$rc" = 0 ] || die "make protections: exit code $rc"
