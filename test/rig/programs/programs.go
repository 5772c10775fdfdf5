// Package programs makes the bridge's programs and looks at their processes.
package programs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// Build makes a program in a folder, of packages that the tests have compiled already
// unless env, variables of the compiler, asks for others.
func Build(folder, name string, env ...string) (binary string, err error) {
	binary = filepath.Join(folder, name)
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "github.com/planhat-bridge/planhat-bridge/cmd/"+name)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}

var peak = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// PeakMemory is the most memory that a process has had since it started, in bytes; only
// Linux tells. The figure of getrusage will not do: a child begins with the peak of the
// process that started it.
func PeakMemory(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	found := peak.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no VmHWM in:\n%s", text)
	}
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	return kib << 10, err
}
