// Command protections proves that the tests of the product's guarantees can
// fail. Each *.patch in its folder takes one protection out of the code; its
// header names the protection, the package and the test:
//
//	Protection: a commit without an answer ends the lease
//	Package: ./internal/shard
//	Test: TestACommitWithoutAnAnswerIsLookedUp
//	Timeout: 30s (optional: a test that hangs without its protection)
//
// Every patch is applied to a scratch copy of the tree, must still compile, and
// must make its test fail. The list of protections must equal the one in
// docs/guarantees.md. Run it from the root of the repository: make protections.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "run the patches whose file name contains this")
	part := flag.Int("part", 0, "run every eighth patch only, from the first (1), second (2), ... on; 0: all")
	flag.Parse()
	if err := run(*only, *part); err != nil {
		fmt.Fprintln(os.Stderr, "protections:", err)
		os.Exit(1)
	}
}

// patch is one protection and how to show that it is needed.
type patch struct{ file, protection, pkg, test, timeout string }

func run(only string, part int) error {
	files, err := filepath.Glob("test/protections/*.patch")
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no patches in test/protections: run from the root of the repository (%w)", errors.Join(err, os.ErrNotExist))
	}
	var patches []patch
	for _, f := range files {
		p, err := readHeader(f)
		if err != nil {
			return err
		}
		patches = append(patches, p)
	}
	if err := compareWithDocs(patches); err != nil {
		return err
	}
	patches = slices.DeleteFunc(patches, func(p patch) bool { return !strings.Contains(p.file, only) })
	slices.SortStableFunc(patches, func(a, b patch) int { return strings.Compare(a.pkg, b.pkg) })
	if part > 0 {
		fmt.Printf("part %d of %d of %d protections\n", part, parts, len(patches))
		patches = partOf(patches, part)
	}
	passed, failed := 0, 0
	proofs, cleaned := proveAll(patches)
	defer func() { <-cleaned }()
	for i, proof := range proofs {
		p := patches[i]
		if v := <-proof; v.err != nil {
			failed++
			fmt.Printf("FAIL  %-52s %s\n", p.protection, v.err)
		} else {
			passed++
			fmt.Printf("ok    %-52s %s fails without it (%s)\n", p.protection, p.test, v.took.Round(time.Second))
		}
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		return fmt.Errorf("%d of %d protections are not proved", failed, passed+failed)
	}
	return nil
}

// parts are as many as prove all.
const parts = 8

func partOf(patches []patch, part int) (out []patch) {
	for i, p := range patches {
		if i%parts == part-1 {
			out = append(out, p)
		}
	}
	return out
}

// atOnce is how many patches are proved at a time: mostly their tests wait.
const atOnce = 3

type verdict struct {
	err  error
	took time.Duration
}

// proveAll proves patches several at a time, each in one of as many scratch
// copies; each verdict comes on the patch's own channel. Patches of one package
// come one after the other, so that what they share is built once.
func proveAll(patches []patch) (verdicts []chan verdict, cleaned <-chan struct{}) {
	copies := make(chan *scratch, atOnce)
	for range atOnce {
		copies <- &scratch{}
	}
	verdicts = make([]chan verdict, len(patches))
	done := make(chan struct{})
	for i := range patches {
		verdicts[i] = make(chan verdict, 1)
	}
	go func() {
		defer close(done)
		for i, p := range patches {
			c := <-copies
			go func() {
				started := time.Now()
				err := c.prove(p)
				verdicts[i] <- verdict{err, time.Since(started)}
				copies <- c
			}()
		}
		for range atOnce {
			(<-copies).remove()
		}
	}()
	return verdicts, done
}

func readHeader(file string) (patch, error) {
	f, err := os.Open(file)
	if err != nil {
		return patch{}, err
	}
	defer f.Close()
	p := patch{file: file, timeout: "120s"}
	fields := map[string]*string{"Protection": &p.protection, "Package": &p.pkg, "Test": &p.test, "Timeout": &p.timeout}
	for s := bufio.NewScanner(f); s.Scan() && !strings.HasPrefix(s.Text(), "---"); {
		name, value, _ := strings.Cut(s.Text(), ":")
		if field := fields[name]; field != nil {
			*field = strings.TrimSpace(value)
		}
	}
	if p.protection == "" || p.pkg == "" || p.test == "" {
		return patch{}, fmt.Errorf("%s: the header needs Protection, Package and Test", file)
	}
	return p, nil
}

// compareWithDocs holds the list in docs/guarantees.md to the patches: a line
// each, "- **name**: `Test` in `./package`".
func compareWithDocs(patches []patch) error {
	text, err := os.ReadFile("docs/guarantees.md")
	if err != nil {
		return err
	}
	_, list, ok := strings.Cut(string(text), "## Protections")
	if !ok {
		return errors.New(`docs/guarantees.md has no section "Protections"`)
	}
	var documented, have []string
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "## ") {
			break
		}
		if strings.HasPrefix(line, "- **") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	for _, p := range patches {
		have = append(have, fmt.Sprintf("- **%s**: `%s` in `%s`", p.protection, p.test, p.pkg))
	}
	slices.Sort(documented)
	slices.Sort(have)
	if !slices.Equal(documented, have) {
		return fmt.Errorf("docs/guarantees.md lists what no patch proves: %q; the patches prove what it does not list: %q",
			without(documented, have), without(have, documented))
	}
	return nil
}

// without gives the lines that the others do not have.
func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return slices.Contains(others, l) })
}

// scratch is a copy of the tree, made when it is first used.
type scratch struct{ dir string }

func (c *scratch) remove() {
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// prove applies one patch to the scratch copy and wants the test to fail there,
// by its own word and not because the code no longer compiles; then it takes the
// patch out again. What is built without paths is built once for all copies, and
// nobody debugs these programs.
func (c *scratch) prove(p patch) (err error) {
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "protection-"); err != nil {
			return err
		}
		if err := copyTree(c.dir); err != nil {
			return err
		}
	}
	body, err := os.ReadFile(p.file)
	if err != nil {
		return err
	}
	restore, err := c.remember(filesOf(body))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	if out, err := in(c.dir, bytes.NewReader(body), "patch", "-p1", "--forward", "--no-backup-if-mismatch", "--fuzz=0"); err != nil {
		return fmt.Errorf("%s does not apply: %s", p.file, out)
	}
	out, err := in(c.dir, nil, "go", "test", "-trimpath", "-vet=off", "-ldflags=-s -w", "-count=1", "-timeout="+p.timeout, "-run", "^"+p.test+"$", p.pkg)
	switch {
	case err == nil:
		return fmt.Errorf("%s passes without the protection", p.test)
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return fmt.Errorf("%s does not compile: %s", p.file, out)
	case strings.Contains(out, "no tests to run") || !strings.Contains(out, "--- FAIL: ") && !strings.Contains(out, "panic: "):
		return fmt.Errorf("%s did not run: %s", p.test, out)
	}
	return nil
}

// remember keeps files as they are, to be restored.
func (c *scratch) remember(names []string) (restore func() error, err error) {
	was := map[string][]byte{}
	for _, name := range names {
		path := filepath.Join(c.dir, name)
		if was[path], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return func() (err error) {
		for path, content := range was {
			err = errors.Join(err, os.WriteFile(path, content, 0o600))
		}
		return err
	}, nil
}

// filesOf are the files that a patch changes.
func filesOf(body []byte) (names []string) {
	for line := range strings.Lines(string(body)) {
		if name, ok := strings.CutPrefix(line, "+++ b/"); ok {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// copyTree copies the files that git knows, as they are in the work tree.
func copyTree(dir string) error {
	list, err := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if err := copyFile(name, filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return err
	}
	dst, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}

func in(dir string, stdin io.Reader, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...) // our own commands, bounded by go test -timeout
	cmd.Dir, cmd.Stdin = dir, stdin
	cmd.Env = append(os.Environ(), "STORIES=all") // the variant that notices may not be told otherwise
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
