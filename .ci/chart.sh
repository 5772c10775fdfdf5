#!/usr/bin/env bash
# Lints and renders a chart with each file of values in its ci/, and sees that
# values it must refuse (ci/refused/*.yaml; the first line says why) are refused.
#
# Usage: HELM=helm .ci/chart.sh CHART
. .ci/lib.sh
chart=$1
helm() { command ${HELM:?} "$@"; }

refuses() {
	local file=$1 want out
	want=$(sed -n '1s/^# refused: //p' "$file")
	[ -n "$want" ] || { say "$file: the first line must be '# refused: TEXT'"; return 1; }
	if out=$(helm template bridge "$chart" -f "$file" 2>&1); then say "was accepted"; return 1; fi
	[[ $out == *"$want"* ]] || { say "refused without the words '$want':" "$out"; return 1; }
}

# known VALUES: each variable that the chart sets is in the reference table, which
# is generated from the services' code.
known() {
	local name unknown=0
	while read -r name; do
		grep -qE "\`$name\`" docs/configuration.md || { say "$name is not in docs/configuration.md"; unknown=1; }
	done < <(helm template bridge "$chart" -f "$1" --show-only templates/configmap.yaml |
		sed -n 's/^  \([A-Z][A-Z0-9_]*\):.*/\1/p' | sed -E 's/^(PLANHAT|PIPEDRIVE)_(ACME|ACME_EU|BETA)_/\1_<NAME>_/' | sort -u)
	return "$unknown"
}

# renders WANTED: with the values of the same name, each line of the file is a line
# of what is rendered.
renders() {
	local wanted=$1 out line missing=0
	out=$(helm template bridge "$chart" -f "$chart/ci/$(basename "$wanted" .txt).yaml") || { say "$out"; return 1; }
	out=$(sed 's/^ *//' <<<"$out")
	while IFS= read -r line; do
		grep -qxF -- "$line" <<<"$out" || { say "not rendered: $line"; missing=1; }
	done <"$wanted"
	return "$missing"
}

for values in "$chart"/ci/*.yaml; do
	check "lint $(basename "$values")" helm lint --strict "$chart" -f "$values"
	check "template $(basename "$values")" helm template bridge "$chart" -f "$values" --include-crds
	check "variables of $(basename "$values") are documented" known "$values"
done
for wanted in "$chart"/ci/rendered/*.txt; do
	check "render $(basename "$wanted")" renders "$wanted"
done
for values in "$chart"/ci/refused/*.yaml; do
	check "refuse $(basename "$values")" refuses "$values"
done
checks_done
