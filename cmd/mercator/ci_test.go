package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	httpstate "mercator/apply/state/http"
)

// recipes are the files with which CI systems run Mercator: examples/ci, and the hooks in the root.
func recipes(t *testing.T) map[string]*yaml.Node {
	t.Helper()
	out := map[string]*yaml.Node{}
	root := filepath.Join("..", "..")
	read := func(path string) error {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		rel, err := filepath.Rel(root, path)
		out[filepath.ToSlash(rel)] = &doc
		return err
	}
	err := filepath.WalkDir(filepath.Join(root, "examples", "ci"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yml", ".yaml"}, filepath.Ext(path)) {
			return err
		}
		return read(path)
	})
	if err == nil {
		err = read(filepath.Join(root, ".pre-commit-hooks.yaml"))
	}
	if err != nil || len(out) < 8 {
		t.Fatalf("%d recipes: %v", len(out), err)
	}
	return out
}

// scalars calls do for every text in a document, with the key that it stands under.
func scalars(n *yaml.Node, key string, do func(key, text string)) {
	for i, inner := range n.Content {
		under := key
		if n.Kind == yaml.MappingNode {
			if i%2 == 0 {
				continue
			}
			under = n.Content[i-1].Value
		}
		scalars(inner, under, do)
	}
	if n.Kind == yaml.ScalarNode {
		do(key, n.Value)
	}
}

var scriptName = regexp.MustCompile(`ci/scripts/([a-z-]+\.sh)`)

// TestRecipesCallScriptsThatExist holds the recipes and the scripts, which the scripts of this package run, together.
func TestRecipesCallScriptsThatExist(t *testing.T) {
	called := map[string]bool{}
	for name, doc := range recipes(t) {
		scalars(doc, "", func(_, text string) {
			for _, m := range scriptName.FindAllStringSubmatch(text, -1) {
				called[m[1]] = true
				info, err := os.Stat(filepath.Join("..", "..", "examples", "ci", "scripts", m[1]))
				if err != nil || info.Mode()&0o111 == 0 {
					t.Errorf("%s calls %s, which is not there or cannot be run: %v", name, m[1], err)
				}
			}
		})
	}
	scripts, err := filepath.Glob("../../examples/ci/scripts/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range scripts {
		if !called[filepath.Base(path)] {
			t.Errorf("no recipe calls %s", path)
		}
	}
}

// TestRecipesAreSafe looks for the ways in which somebody who opens a pull request could run commands or reach secrets.
func TestRecipesAreSafe(t *testing.T) {
	for name, doc := range recipes(t) {
		scalars(doc, "", func(key, text string) {
			if key == "run" && strings.Contains(text, "${{") {
				t.Errorf("%s puts an expression into a command, where its value is run: %s", name, text)
			}
			if strings.Contains(text, "secrets.") && !strings.Contains(text, "${{ secrets.MONGODB_ATLAS_CLIENT_") {
				t.Errorf("%s uses the secret %s", name, text)
			}
		})
		if !strings.Contains(name, "/github/") {
			continue
		}
		var workflow struct {
			On          yaml.Node
			Permissions map[string]string
			Jobs        map[string]struct {
				If          string
				Environment string
				Permissions map[string]string
				Steps       []struct {
					Uses string
					With map[string]any
				}
				Env map[string]string
			}
		}
		if err := doc.Decode(&workflow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if workflow.Permissions == nil || len(workflow.Permissions) > 0 {
			t.Errorf("%s: the jobs' permissions do not begin with none", name)
		}
		onPull := false
		for _, n := range workflow.On.Content {
			if n.Value == "pull_request_target" {
				t.Errorf("%s runs code of forks with secrets", name)
			}
			onPull = onPull || n.Value == "pull_request"
		}
		for id, job := range workflow.Jobs {
			if job.Permissions == nil {
				t.Errorf("%s: the job %s does not say what it may", name, id)
			}
			if len(job.Env) > 0 && job.Environment == "" {
				t.Errorf("%s: the job %s has credentials outside of an environment", name, id)
			}
			if onPull && len(job.Env) > 0 && !strings.Contains(job.If, "head.repo.full_name == github.repository") {
				t.Errorf("%s: the job %s has credentials for forks", name, id)
			}
			for _, step := range job.Steps {
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: the job %s leaves the token in the checkout", name, id)
				}
			}
		}
	}
}

// TestGitLabFindsTheState holds the variables of GitLab's recipe to those that the store of that protocol reads.
func TestGitLabFindsTheState(t *testing.T) {
	var pipeline struct{ Variables map[string]string }
	if err := recipes(t)["examples/ci/gitlab/.gitlab-ci.yml"].Decode(&pipeline); err != nil {
		t.Fatal(err)
	}
	known, required := map[string]bool{}, 0
	for _, a := range httpstate.Backend().Arguments {
		for _, name := range a.Environment {
			known[name] = true
			if _, set := pipeline.Variables[name]; set && a.Required {
				required++
			}
		}
	}
	for name := range pipeline.Variables {
		if !known[name] {
			t.Errorf("the store does not read %s", name)
		}
	}
	if required != 1 {
		t.Errorf("%d required arguments are set, want the address", required)
	}
}

// TestHooks runs what the hooks of the root call, in an example.
func TestHooks(t *testing.T) {
	var hooks []struct{ ID, Entry, Language string }
	if err := recipes(t)[".pre-commit-hooks.yaml"].Decode(&hooks); err != nil || len(hooks) != 2 {
		t.Fatalf("%d hooks: %v", len(hooks), err)
	}
	for _, hook := range hooks {
		words := strings.Fields(hook.Entry)
		command := exec.Command(words[0], words[1:]...)
		command.Dir = filepath.Join("..", "..", "examples", "quickstart")
		if out, err := command.CombinedOutput(); err != nil || words[0] != "mercator" || hook.Language != "golang" {
			t.Errorf("%s: %v\n%s", hook.ID, err, out)
		}
	}
}
