# Helm is pinned in tools/helm and built from there.
. .ci/lib.sh
check "build helm" go tool -modfile=tools/helm/go.mod helm version
checks_done
HELM=$(go tool -n -modfile=tools/helm/go.mod helm) .ci/chart.sh deploy/helm/planhat-bridge
