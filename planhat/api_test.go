package planhat_test

import (
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const modulePath = "github.com/planhat-bridge/planhat-bridge"

// loadPackage type-checks a package of this module from the compiler's own output.
func loadPackage(t *testing.T, path string) *types.Package {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, file, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			exports[name] = file
		}
	}
	open := func(name string) (io.ReadCloser, error) { return os.Open(exports[name]) }
	pkg, err := importer.ForCompiler(token.NewFileSet(), "gc", open).Import(path)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

// leaks walks what a user of a package can reach by exported names, and collects the
// types of internal packages on the way.
type leaks struct {
	seen  map[types.Type]bool
	found []string
}

func (l *leaks) object(o types.Object, where string) {
	l.walk(o.Type(), where+"."+o.Name())
}

func (l *leaks) walk(t types.Type, where string) {
	if t == nil || l.seen[t] {
		return
	}
	l.seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		l.named(t.Obj(), where)
		l.walk(types.Unalias(t), where)
	case *types.Named:
		l.namedType(t, where)
	case *types.Struct:
		for f := range t.Fields() {
			if f.Exported() {
				l.object(f, where)
			}
		}
	case *types.Signature:
		for _, vars := range []*types.Tuple{t.Params(), t.Results()} {
			for v := range vars.Variables() {
				l.walk(v.Type(), where)
			}
		}
	case *types.Interface:
		for m := range t.Methods() {
			l.object(m, where)
		}
	case *types.Map:
		l.walk(t.Key(), where)
		l.walk(t.Elem(), where)
	case interface{ Elem() types.Type }:
		l.walk(t.Elem(), where)
	}
}

func (l *leaks) namedType(t *types.Named, where string) {
	l.named(t.Obj(), where)
	for arg := range t.TypeArgs().Types() {
		l.walk(arg, where)
	}
	if pkg := t.Obj().Pkg(); pkg == nil || !strings.HasPrefix(pkg.Path(), modulePath) {
		return
	}
	l.walk(t.Underlying(), where)
	for m := range t.Methods() {
		if m.Exported() {
			l.object(m, where)
		}
	}
}

func (l *leaks) named(o *types.TypeName, where string) {
	if o.Pkg() != nil && strings.Contains(o.Pkg().Path()+"/", "/internal/") {
		l.found = append(l.found, fmt.Sprintf("%s mentions %s.%s", where, o.Pkg().Path(), o.Name()))
	}
}

func leaksOf(pkg *types.Package) []string {
	l := leaks{seen: map[types.Type]bool{}}
	for _, name := range pkg.Scope().Names() {
		if o := pkg.Scope().Lookup(name); o.Exported() {
			l.object(o, pkg.Name())
		}
	}
	return l.found
}

func TestNoInternalTypeIsExported(t *testing.T) {
	for _, client := range []string{"/planhat", "/pipedrive"} {
		for _, leak := range leaksOf(loadPackage(t, modulePath+client)) {
			t.Error(leak)
		}
	}
}

// The check above can fail: a package whose exported names are of an internal type.
func TestALeakIsFound(t *testing.T) {
	internal := types.NewPackage(modulePath+"/internal/rest", "rest")
	hidden := types.NewNamed(types.NewTypeName(token.NoPos, internal, "Lane", nil), types.NewStruct(nil, nil), nil)
	pkg := types.NewPackage(modulePath+"/planhat", "planhat")
	field := types.NewField(token.NoPos, pkg, "Lane", types.NewPointer(hidden), false)
	pkg.Scope().Insert(types.NewVar(token.NoPos, pkg, "Options", types.NewStruct([]*types.Var{field}, nil)))
	if found := leaksOf(pkg); len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

// The module in test/external uses this package as a stranger would. It is copied, so
// that building it changes nothing here, and built without the network.
func TestAnotherModuleCompiles(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, "test", "external"))); err != nil {
		t.Fatal(err)
	}
	run(t, dir, "mod", "edit", "-replace", modulePath+"="+root)
	run(t, dir, "vet", "./...")
	run(t, dir, "build", "-o", os.DevNull, "./...")
}

func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off", "GOSUMDB=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
