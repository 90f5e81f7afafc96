package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"mercator/cmd/mercator/internal/canary"
	"mercator/plan/render"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/kinds"
)

// terrarium is a folder, an environment and an embedded Atlas in which command lines run, and all that they print.
type terrarium struct {
	t       *testing.T
	dir     string
	env     map[string]string
	printed map[string]string
}

// run runs a command line at trace level with the given input; it may fail.
func (u *terrarium) run(input string, args ...string) int {
	u.t.Helper()
	var stdout, stderr bytes.Buffer
	w := World{Stdin: strings.NewReader(input), Stdout: &stdout, Stderr: &stderr, Now: time.Now,
		LookupEnv: func(name string) (string, bool) { v, ok := u.env[name]; return v, ok }}
	code := Run(context.Background(), w, append(args, "--log-level", "trace"))
	u.printed[strings.Join(args, " ")] += stdout.String() + stderr.String()
	return code
}

// must runs a command line that has to exit with a code.
func (u *terrarium) must(code int, args ...string) {
	u.t.Helper()
	if got := u.run("", args...); got != code {
		u.t.Errorf("%v exited with %d, want %d\n%.1500s", args, got, code, u.printed[strings.Join(args, " ")])
	}
}

// expectAllTried fails for each command that was not run: a new one has to be.
func (u *terrarium) expectAllTried() {
	u.t.Helper()
	var walk func(prefix string, c *cobra.Command)
	walk = func(prefix string, c *cobra.Command) {
		for _, sub := range c.Commands() {
			name := strings.TrimSpace(prefix + " " + sub.Name())
			tried := slices.ContainsFunc(slices.Collect(maps.Keys(u.printed)), func(line string) bool { return strings.HasPrefix(line+" ", name+" ") })
			if !sub.HasSubCommands() && !sub.Hidden && !tried && !slices.Contains([]string{"sandbox", "completion"}, name) {
				u.t.Errorf("%q was not tried", name)
			}
			walk(name, sub)
		}
	}
	walk("", rootCommand(&World{}, &globals{}))
}

// pulled puts the state in a file, and returns its name.
func (u *terrarium) pulled() string {
	u.t.Helper()
	u.must(0, "state", "pull")
	text, _, _ := strings.Cut(u.printed["state pull"], "\n}\n")
	if err := os.WriteFile("pulled.json", []byte(text+"\n}\n"), 0o600); err != nil {
		u.t.Fatal(err)
	}
	return "pulled.json"
}

func (u *terrarium) write(text string) {
	u.t.Helper()
	if err := os.WriteFile(filepath.Join(u.dir, "main.hcl"), []byte(text), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

// secretArguments are the names of all arguments that hold secrets.
func secretArguments(t *testing.T) []string {
	t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var walk func([]schema.Attribute)
	walk = func(attrs []schema.Attribute) {
		for i := range attrs {
			if attrs[i].WriteOnly {
				names = append(names, attrs[i].Name)
			}
			walk(attrs[i].Nested)
		}
	}
	for _, name := range catalog.Names() {
		walk(catalog.Kind(name).Attributes)
	}
	return names
}

// TestNoCommandShowsASecret plants secrets, runs every command at trace level and in every format, in success and
// in failure, and looks for the secrets in all that was printed and written.
func TestNoCommandShowsASecret(t *testing.T) {
	clientSecret := canary.New("client-secret")
	box, err := sandbox.New(sandbox.Options{NoRateLimits: true, Orgs: []sandbox.Org{{ID: sandbox.DefaultOrgID, Name: "Sandbox",
		Credentials: []sandbox.Credential{{ClientID: sandbox.DefaultClientID, ClientSecret: clientSecret}}}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	defer server.Close()
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // the tokens' place, which is excepted
	t.Setenv("HOME", t.TempDir())
	u := &terrarium{t: t, dir: t.TempDir(), printed: map[string]string{}, env: map[string]string{
		"MONGODB_ATLAS_BASE_URL": server.URL, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_CLIENT_ID": sandbox.DefaultClientID, "MONGODB_ATLAS_CLIENT_SECRET": clientSecret,
	}}
	t.Chdir(u.dir)
	secrets := []string{clientSecret, canary.New("variable"), canary.New("tag"), canary.New("comment")}
	u.env["MERCATOR_VAR_sensitive"] = secrets[1]
	settings, err := json.Marshal(map[string]string{"tag": secrets[2], "comment": secrets[3]})
	if err != nil {
		t.Fatal(err)
	}
	u.env["MERCATOR_VAR_settings"] = string(settings)
	plant := func(round string) {
		for _, name := range secretArguments(t) {
			u.env[canary.Variable(name)] = canary.New(round + "-" + name)
			secrets = append(secrets, u.env[canary.Variable(name)])
		}
	}
	plant("first")
	u.write(canary.Estate(5))

	u.must(0, "validate")
	u.run("", "fmt", "--diff", "--check")
	for _, format := range render.GraphFormats() {
		u.must(0, "graph", "--format", format)
	}
	saved := []string{"plan", "--out", "plan.bin"}
	for _, format := range render.Formats() {
		saved = append(saved, "--format", format+"=plan."+format)
	}
	u.must(0, saved...)
	if err := box.SetFaults(sandbox.Fault{Method: "POST", Path: "/databaseUsers$", Count: 1, Action: sandbox.Status, Status: 400,
		ErrorCode: "INVALID_ATTRIBUTE", Detail: "Invalid attribute " + u.env[canary.Variable("password")] + " specified."}); err != nil {
		t.Fatal(err)
	}
	u.must(1, "apply", "plan.bin", "--json")
	u.must(4, "apply", "plan.bin")
	u.must(0, "apply", "--auto-approve", "--allow-adopt", "all", "--allow-destroy", "all")
	if !box.Received(u.env[canary.Variable("password")]) || !box.Received(u.env[canary.Variable("webhook_url")]) {
		t.Error("the secrets did not reach Atlas")
	}
	plant("second")
	u.write(canary.Estate(30))
	for _, format := range render.Formats() {
		u.must(2, "plan", "--detailed-exitcode", "--format", format)
		u.must(0, "drift", "--unmanaged=false", "--format", format)
	}
	u.must(0, "apply", "--json", "--auto-approve")
	for _, format := range render.Formats() {
		u.must(0, "show", "plan.bin", "--format", format)
	}
	u.must(0, "output")
	u.must(0, "output", "--json")
	u.run("", "output", "secret")
	u.run("var.sensitive\nvar.settings\nenv(\"CANARY_password\")\nproject.shop\n[for s in [var.sensitive] : upper(s)]\ntonumber(var.sensitive)\n{}[var.sensitive]\n", "console")
	u.must(0, "state", "list")
	for _, address := range []string{"project.shop", "project.shop.database_user.app", "project.shop.alert_config.all", "api_key.deployer"} {
		u.must(0, "state", "show", address)
	}
	u.must(0, "state", "mv", "project.shop.database_user.app", "project.shop.database_user.other")
	u.must(0, "state", "mv", "project.shop.database_user.other", "project.shop.database_user.app")
	u.must(0, "state", "rm", "project.shop.database_user.app")
	u.must(0, "state", "bind", "project.shop.database_user.app", "app")
	u.must(0, "state", "own", "project.shop.database_user.app")
	u.run("", "state", "unlock", "nothing")
	u.must(0, "state", "lock", "--json")
	u.must(0, "state", "stores", "http")
	u.must(0, "state", "history")
	u.must(1, "state", "rollback", "1") // the file keeps no history
	pull := u.pulled()
	u.must(0, "state", "push", pull)
	u.must(0, "state", "migrate", "--to", "local", "--to-config", "path=moved.json")
	u.must(0, "plan", "--validate-remote")
	u.must(0, "status")
	u.must(0, "status", "--json")
	u.must(0, "doctor")
	u.must(0, "doctor", "--json")
	u.must(0, "schema", "--json")
	u.must(0, "schema", "alert_config")
	u.must(0, "explain", "old_tls")
	u.must(0, "docs", "--out", "reference")
	u.must(0, "version")

	// Mistakes that speak of secret values.
	u.run("", "plan", "--var", "settings="+canary.New("variable"))
	u.env["MERCATOR_VAR_settings"] = canary.New("tag")
	u.run("", "validate")
	u.env["MERCATOR_VAR_settings"] = string(settings)
	for _, wrong := range []string{
		`output "x" { value = var.sensitive }`,
		`output "x" { value = tonumber(var.sensitive) }`,
		`output "x" { value = var.sensitive + 1 }`,
		`output "x" { value = file(var.sensitive) }`,
		`output "x" { value = { a = 1 }[var.sensitive] }`,
		"check \"x\" {\n assert {\n condition = var.sensitive == \"\"\n error_message = \"it is ${var.sensitive}\"\n }\n}",
		"project \"other\" {\n name = var.sensitive\n}",
		"project \"other\" {\n tags = var.sensitive\n}",
	} {
		u.write(canary.Estate(30) + "\n" + wrong + "\n")
		u.run("", "validate")
		u.run("", "plan")
	}
	u.write(canary.Estate(30))
	u.env["MONGODB_ATLAS_CLIENT_SECRET"] = clientSecret + "-wrong"
	u.must(1, "plan")
	u.env["MONGODB_ATLAS_CLIENT_SECRET"] = clientSecret
	once, err := canary.ShownOnce(u.dir)
	if err != nil {
		t.Fatal(err)
	}
	secrets = append(secrets, once...)
	u.must(0, "destroy", "--auto-approve", "--allow-destroy", "all")

	u.expectAllTried()
	for command, text := range u.printed {
		if leak := canary.Find(text, secrets...); leak != "" {
			t.Errorf("%.100s shows %s", command, leak)
		}
	}
	if all := u.printed["apply --auto-approve --allow-adopt all --allow-destroy all"]; !strings.Contains(all, "databaseUsers") {
		t.Errorf("nothing was logged: %.300s", all)
	}
	found, err := canary.FindInFolder(u.dir, canary.Excepted, secrets...)
	if err != nil || len(found) > 0 {
		t.Errorf("files hold secrets: %v %v", found, err)
	}
}
