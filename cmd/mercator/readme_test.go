package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mercator/provider/sandbox"
)

// The README's story of a change lies between these lines.
const (
	storyBegins = "<!-- What follows is written by: go test ./cmd/mercator -run TestReadme -update -->\n"
	storyEnds   = "<!-- Until here. -->\n"
)

// story is a change on its way through review, as commands print it.
type story struct {
	t    *testing.T
	dir  string
	text bytes.Buffer
}

// say adds a paragraph.
func (s *story) say(words string) { fmt.Fprintf(&s.text, "%s\n\n", words) }

// file writes a file into the story's folder.
func (s *story) file(name, content string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		s.t.Fatal(err)
	}
}

// seconds and ids are what differs between two runs.
var (
	seconds = regexp.MustCompile(` in \d+s`)
	ids     = regexp.MustCompile(`\b[0-9a-f]{24}\b`)
)

// run adds a command and what it prints, and fails unless it ends with the code.
func (s *story) run(code int, command string) {
	s.t.Helper()
	shell := exec.Command("sh", "-c", command)
	shell.Dir = s.dir
	shell.Env = append(os.Environ(), "MERCATOR_FLAGS=--sandbox", "HOME="+s.dir, "XDG_CACHE_HOME="+s.dir, "GITHUB_OUTPUT=", "MERCATOR_ALLOW_DESTROY=")
	out, err := shell.CombinedOutput()
	if got := shell.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("%s ended with %d, want %d (%v):\n%s", command, got, code, err, out)
	}
	text := ids.ReplaceAllString(seconds.ReplaceAllString(strings.TrimSpace(string(out)), " in 0s"), "…")
	fmt.Fprintf(&s.text, "```console\n$ %s\n%s\n```\n\n", command, text)
}

// show adds a file's content as Markdown to be read, not rendered.
func (s *story) show(name string) {
	s.t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	fmt.Fprintf(&s.text, "````markdown\n%s````\n\n", content)
}

const (
	production = "environments/production"
	before     = `project "payments" {
  access_list "office" {
    entries = { "203.0.113.0/24" = "Office" }
  }
}
`
	after = `project "payments" {
  access_list "office" {
    entries = {
      "203.0.113.0/24" = "Office"
      "198.51.100.20"  = "Build server"
    }
  }
}
`
)

// TestReadmeTellsWhatHappens makes a change go all its way with the scripts of examples/ci: planned, commented, approved,
// applied, undone by hand, noticed and repaired. What they print is what the README shows.
func TestReadmeTellsWhatHappens(t *testing.T) {
	s := &story{t: t, dir: t.TempDir()}
	if err := os.CopyFS(filepath.Join(s.dir, "ci", "scripts"), os.DirFS("../../examples/ci/scripts")); err != nil {
		t.Fatal(err)
	}
	s.file(production+"/main.hcl", before)
	s.run(0, "mercator apply --sandbox --auto-approve "+production)
	s.text.Reset()

	s.file(production+"/main.hcl", after)
	s.say("A pull request adds an entry to an access list. Its job plans that:")
	s.run(0, "ci/scripts/plan.sh environments/production plan")
	s.say("and shows `plan/plan.md` in the one comment that it keeps; of a large plan, as much as fits into a comment:")
	s.show("plan/plan.md")
	s.say("It is reviewed and merged. The job on the main branch plans again, and waits until somebody approves that plan. Then it\n" +
		"does exactly that, or exits 4 because something changed meanwhile:")
	s.run(0, "ci/scripts/apply.sh plan/plan.bin | tail -n 5")
	byHandInReadme(t, s.dir)
	s.say("Somebody deletes the entry by hand. The nightly job finds out, and opens an issue with `drift/drift.md`:")
	s.run(0, "ci/scripts/drift.sh environments/production drift; echo \"exit code $?\"")
	s.say("Running the job of the main branch again repairs it:")
	s.run(0, "ci/scripts/plan.sh environments/production plan >plan.log && ci/scripts/apply.sh plan/plan.bin | tail -n 5")
	s.run(0, "ci/scripts/drift.sh environments/production drift")
	compareStory(t, strings.TrimRight(s.text.String(), "\n")+"\n\n")
}

func byHandInReadme(t *testing.T, dir string) {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{Dir: filepath.Join(dir, production, ".mercator", "sandbox")})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := box.ProjectID("payments")
	if err := errors.Join(box.Delete(sandbox.AccessList, id, "198.51.100.20/32"), box.Close()); err != nil {
		t.Fatal(err)
	}
}

// compareStory compares the story with the README's, or writes it there.
func compareStory(t *testing.T, told string) {
	t.Helper()
	const path = "../../README.md"
	readme, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begins := strings.Cut(string(readme), storyBegins)
	old, tail, ends := strings.Cut(rest, storyEnds)
	if !begins || !ends {
		t.Fatalf("README.md lacks the line %q or %q", storyBegins, storyEnds)
	}
	told = "\n" + told
	if old == told {
		return
	}
	if !*update {
		t.Fatalf("README.md tells another story; run this test with -update and look at the difference. It should be:\n%s", told)
	}
	if err := os.WriteFile(path, []byte(head+storyBegins+told+storyEnds+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
