# Reads the output of `go test -json`: prints a line a package and everything that
# failing tests and builds said, appends "passed failed skipped" (tests and
# subtests) to the file `counts`, and exits 1 if a test failed or none ran.

function field(name,   at, rest, end) {
	at = index($0, "\"" name "\":\"")
	if (!at) return ""
	rest = substr($0, at + length(name) + 4)
	if (match(rest, /^([^"\\]|\\.)*/)) return substr(rest, 1, RLENGTH)
	return ""
}
function elapsed() { return match($0, /"Elapsed":[0-9.]+/) ? substr($0, RSTART + 10, RLENGTH - 10) : "" }
function plain(s) {
	gsub(/\\n/, "\n", s); gsub(/\\t/, "\t", s); gsub(/\\"/, "\"", s)
	gsub(/\\u003c/, "<", s); gsub(/\\u003e/, ">", s); gsub(/\\u0026/, "\\&", s)
	gsub(/\\u001b/, "", s); gsub(/\\\\/, "\\", s)
	return s
}
{
	action = field("Action"); pkg = field("Package"); test = field("Test")
	if (action == "output") said[pkg, test] = said[pkg, test] plain(field("Output"))
	else if (action == "build-output") printf "%s", plain(field("Output"))
	else if (test == "") {
		if (action == "pass") printf "ok    %6s s  %s\n", elapsed(), pkg
		if (action == "fail") { printf "FAIL  %s\n%s", pkg, said[pkg, ""]; broken++ }
	}
	else if (action == "pass") { passed++; delete said[pkg, test] }
	else if (action == "skip") { skipped++; printf "skip  %s %s\n%s", pkg, test, said[pkg, test] }
	else if (action == "fail") { failed++; printf "--- %s %s\n%s", pkg, test, said[pkg, test] }
	if (action == "start") began++
	else if (test == "") fflush() # whoever ends this in the middle sees what there was
}
END {
	# A package that broke outside its tests (build, crash, timeout) counts as one.
	if (broken && !failed) failed = broken
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	print passed + 0, failed + 0, skipped + 0 >> counts
	if (failed || broken || passed + skipped == 0) exit 1
}
