package ops

import (
	"runtime/debug"
	"slices"
	"strings"
)

// CollectAt has garbage collected when the heap has grown by so many percent, unless
// GOGC says otherwise in environ, which is as from os.Environ. GOMEMLIMIT stays in force.
func CollectAt(percent int, environ []string) {
	if !slices.ContainsFunc(environ, func(v string) bool { return strings.HasPrefix(v, "GOGC=") }) {
		debug.SetGCPercent(percent)
	}
}
