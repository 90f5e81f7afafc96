package workflow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/cmd/mercator/internal/canary"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/plan/render"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// writeOnly lists the arguments of all kinds that hold secrets, by their dotted paths.
func writeOnly() []string {
	var out []string
	var walk func(prefix string, attrs []schema.Attribute)
	walk = func(prefix string, attrs []schema.Attribute) {
		for i := range attrs {
			a := &attrs[i]
			if a.WriteOnly {
				out = append(out, prefix+a.Name)
			}
			walk(prefix+a.Name+".", a.Nested)
		}
	}
	for _, name := range catalog.Names() {
		walk(name+".", catalog.Kind(name).Attributes)
	}
	slices.Sort(out)
	return out
}

// leaks gathers everything that a run lets anybody see.
type leaks struct {
	mu  sync.Mutex
	all map[string]string
	log bytes.Buffer
}

func (l *leaks) add(what, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string]string{}
	}
	l.all[what] += text
}

// Write takes the log.
func (l *leaks) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.Write(p)
}

// search fails for each place that holds one of the secrets.
func (l *leaks) search(t *testing.T, secrets ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all["the log"] = l.log.String()
	for what, text := range l.all {
		if leak := canary.Find(text, secrets...); leak != "" {
			t.Errorf("%s holds %s", what, leak)
		}
	}
}

// show renders a plan in all formats, as a plan and as drift.
func (l *leaks) show(t testing.TB, what string, p *plan.Plan, sources map[string][]byte) {
	t.Helper()
	for _, format := range render.Formats() {
		renderer, err := render.New(format, render.Options{Catalog: catalog, Width: 100, Sources: sources})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := renderer.Plan(&b, p); err != nil {
			t.Fatal(err)
		}
		if err := renderer.Drift(&b, p); err != nil {
			t.Fatal(err)
		}
		l.add(what+" as "+format, b.String())
	}
	for _, d := range p.Diagnostics {
		l.add(what+", findings", fmt.Sprintf("%+v", d))
	}
	l.add(what+" as a Go value", fmt.Sprintf("%+v %#v", p.StateOnly, p.Drift))
}

// result takes what an apply came to.
func (l *leaks) result(what string, a workflow.Applied, err error) {
	l.add(what, fmt.Sprintf("%v %v %+v", err, a.Refused, a.Result.Outcomes))
	for _, d := range a.Result.All() {
		l.add(what, d.Error()+d.Detail)
	}
}

// TestNoSecretLeaves plants secrets wherever a configuration takes them, has them reach Atlas, has Atlas fail and
// talk about them, and then looks for them in all that was written, logged, printed or returned.
func TestNoSecretLeaves(t *testing.T) {
	l := &leaks{}
	clientSecret := canary.New("client-secret")
	r := newRig(t, sandbox.Options{Restless: true, Orgs: []sandbox.Org{{ID: sandbox.DefaultOrgID, Name: "Sandbox",
		Credentials: []sandbox.Credential{{ClientID: sandbox.DefaultClientID, ClientSecret: clientSecret}}}}})
	r.cache = t.TempDir()
	r.log = slog.New(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: atlas.LevelTrace}))
	r.env["MONGODB_ATLAS_CLIENT_SECRET"] = clientSecret
	ordinary := []string{canary.New("variable"), canary.New("tag"), canary.New("comment")}
	r.set("sensitive", ordinary[0])
	settings, err := json.Marshal(map[string]string{"tag": ordinary[1], "comment": ordinary[2]})
	if err != nil {
		t.Fatal(err)
	}
	r.env["MERCATOR_VAR_settings"] = string(settings)
	secrets := []string{clientSecret}
	plant := func(round string) (planted []string) {
		for _, path := range writeOnly() {
			name := path[strings.LastIndexByte(path, '.')+1:]
			r.env[canary.Variable(name)] = canary.New(round + "-" + name)
			planted = append(planted, r.env[canary.Variable(name)])
		}
		secrets = append(secrets, planted...)
		return planted
	}
	first := plant("first")
	r.write(canary.Estate(5))
	sources := r.open().Config.Excerpts()

	// What lies on the disk while an apply runs is looked at too.
	watch := sandbox.Fault{After: func(requestHook) {
		for name, text := range r.copyState() {
			l.add("the state while an apply ran", name+string(text))
		}
	}}
	// An Atlas that says in its errors what it was sent.
	talkative := func(method, path, secret string) sandbox.Fault {
		return sandbox.Fault{Method: method, Path: path, Action: sandbox.Status, Status: 400, ErrorCode: "INVALID_ATTRIBUTE",
			Detail: fmt.Sprintf("Invalid attribute %s specified, seen in %q", secret, secret)}
	}
	p := r.plan(plan.Options{})
	l.show(t, "the first plan", p, sources)
	r.keep(l, p)

	r.faults(talkative("POST", "/databaseUsers$", r.env[canary.Variable("password")]), talkative("POST", "/alertConfigs$", r.env[canary.Variable("webhook_url")]))
	a, err := r.open().Apply(context.Background(), applyAll())
	l.result("the apply that failed", a, err)
	if a.Result.OK() {
		t.Fatal("the apply was to fail")
	}
	l.show(t, "the plan of the apply that failed", a.Plan, sources)

	r.faults(watch)
	a, err = r.open().Apply(context.Background(), applyAll())
	l.result("the apply", a, err)
	if err != nil || !a.Result.OK() {
		t.Fatalf("the apply failed: %v %v", err, codes(a.Result.All()))
	}
	r.arrived(append(first, ordinary...)...)
	if !r.box.Received(clientSecret) {
		t.Error("the client secret never reached Atlas")
	}
	r.faults()
	r.expectEmpty()

	second := plant("second")
	r.write(canary.Estate(30))
	p = r.plan(plan.Options{})
	if c := find(t, p, "project.shop.alert_config.all"); len(c.Secrets) < 8 {
		t.Errorf("the changed secrets were not noticed: %v", c.Secrets)
	}
	l.show(t, "the second plan", p, sources)
	r.keep(l, p)
	r.faults(watch, talkative("PATCH", "/databaseUsers/", r.env[canary.Variable("password")]),
		talkative("PUT", "/integrations/WEBHOOK$", r.env[canary.Variable("url")]))
	a, err = r.open().Apply(context.Background(), applyAll())
	l.result("the second apply that failed", a, err)
	r.faults(watch)
	a, err = r.open().Apply(context.Background(), applyAll())
	l.result("the second apply", a, err)
	r.arrived(second...)
	r.faults()

	r.change(sandbox.DatabaseUser, "shop", "admin/app", map[string]any{"description": "by hand", "roles": []any{}})
	l.show(t, "drift", r.plan(plan.Options{SkipSecrets: true}), sources)
	l.show(t, "the plan that undoes drift", r.plan(plan.Options{}), sources)
	l.show(t, "the plan of a destroy", r.plan(plan.Options{Destroy: true}), sources)
	r.faults(sandbox.Fault{Action: sandbox.Status, Status: 401})
	if _, err := r.open().Plan(context.Background(), plan.Options{}); err != nil {
		l.add("the error without access", fmt.Sprintf("%v %+v", err, err))
	}
	r.faults()
	secrets = append(secrets, r.shownOnce()...)
	r.clock.advance(1700 * time.Hour)
	p = r.plan(plan.Options{})
	if c := find(t, p, "service_account.pipeline"); !c.Mints() {
		t.Errorf("the secret of an account is not replaced:\n%s", describe(p))
	}
	l.show(t, "the plan of a rotation", p, sources)
	r.keep(l, p)
	r.faults(watch)
	a, err = r.open().Apply(context.Background(), applyAll())
	l.result("the rotation", a, err)
	r.faults()
	secrets = append(secrets, r.shownOnce()...)
	a, err = r.open().Apply(context.Background(), workflow.ApplyOptions{Operation: "destroy", Plan: plan.Options{Destroy: true, AllowDestroy: []string{"all"}}})
	l.result("the destroy", a, err)

	if !strings.Contains(l.log.String(), `"TRACE"`) && !strings.Contains(l.log.String(), "DEBUG") {
		t.Errorf("the log was not kept: %.200s", l.log.String())
	}
	secrets = append(append(secrets, ordinary...), r.tokens()...)
	l.search(t, secrets...)
	found, err := canary.FindInFolder(r.dir, canary.Excepted, secrets...)
	if err != nil || len(found) > 0 {
		t.Errorf("files hold secrets: %v %v", found, err)
	}
}

// shownOnce returns the secrets in the files of the rig's credentials.
func (r *rig) shownOnce() []string {
	r.t.Helper()
	secrets, err := canary.ShownOnce(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return secrets
}

// arrived fails for each secret that Atlas did not get, as a secret or in an ordinary place.
func (r *rig) arrived(secrets ...string) {
	r.t.Helper()
	var shown strings.Builder
	for _, kind := range []sandbox.Kind{sandbox.Project, sandbox.DatabaseUser, sandbox.AccessList, sandbox.AlertConfig} {
		for _, doc := range r.box.List(kind, r.project("shop")) {
			fmt.Fprintln(&shown, doc)
		}
	}
	for _, secret := range secrets {
		if !r.box.Received(secret) && !strings.Contains(shown.String(), secret) {
			r.t.Errorf("%s never reached Atlas", secret)
		}
	}
}

// keep saves a plan in the rig's folder, and takes the error or the file.
func (r *rig) keep(l *leaks, p *plan.Plan) {
	r.t.Helper()
	source, err := r.open().Source()
	if err != nil {
		r.t.Fatal(err)
	}
	f, err := planfile.New(p, source, "0.1.0", catalog)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := f.Write(filepath.Join(r.dir, "plan.bin")); err != nil {
		r.t.Fatal(err)
	}
	if f, err = planfile.Read(filepath.Join(r.dir, "plan.bin")); err != nil {
		r.t.Fatal(err)
	}
	l.show(r.t, "the saved plan", f.Plan, nil)
}

// tokens are those that the client got and keeps.
func (r *rig) tokens() []string {
	r.t.Helper()
	var out []string
	names, err := filepath.Glob(filepath.Join(r.cache, "*"))
	if err != nil || len(names) == 0 {
		r.t.Fatalf("no token is kept: %v", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		var fields map[string]any
		if json.Unmarshal(text, &fields) != nil {
			continue
		}
		for _, v := range fields {
			if s, ok := v.(string); ok && len(s) > 40 {
				out = append(out, s)
			}
		}
	}
	if len(out) == 0 {
		r.t.Fatalf("no token in %v", names)
	}
	return out
}

// TestNoCredentialLeaves reaches Atlas by an API key and by a ready token, in success and in failure.
func TestNoCredentialLeaves(t *testing.T) {
	key, token := canary.New("private-key"), canary.Plain("access-token")
	for name, env := range map[string]map[string]string{
		"API key": {"MONGODB_ATLAS_PUBLIC_API_KEY": "abcdefgh", "MONGODB_ATLAS_PRIVATE_API_KEY": key},
		"token":   {"MONGODB_ATLAS_ACCESS_TOKEN": token},
	} {
		t.Run(name, func(t *testing.T) {
			l := &leaks{}
			r := newRig(t, sandbox.Options{Orgs: []sandbox.Org{{ID: sandbox.DefaultOrgID, Name: "Sandbox",
				Credentials: []sandbox.Credential{{PublicKey: "abcdefgh", PrivateKey: key}, {AccessToken: token}}}}})
			r.log = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: atlas.LevelTrace}))
			delete(r.env, "MONGODB_ATLAS_CLIENT_ID")
			delete(r.env, "MONGODB_ATLAS_CLIENT_SECRET")
			for k, v := range env {
				r.env[k] = v
			}
			r.write(shop())
			r.converge() // so that it was good
			r.faults(sandbox.Fault{Method: "GET", Action: sandbox.Status, Status: 403, ErrorCode: "USER_CANNOT_ACCESS_ORG", Detail: "The credential " + key + token + " is not allowed."})
			if _, err := r.open().Plan(context.Background(), plan.Options{}); err == nil {
				t.Error("the plan was to fail")
			} else {
				l.add("the error", fmt.Sprintf("%v %+v", err, err))
			}
			r.faults()
			for k := range env {
				if k != "MONGODB_ATLAS_PUBLIC_API_KEY" {
					r.env[k] += "-wrong"
				}
			}
			if _, err := r.open().Plan(context.Background(), plan.Options{}); err == nil {
				t.Error("a wrong credential was good")
			} else {
				l.add("the error", fmt.Sprintf("%v %+v", err, err))
			}
			used := key
			if name == "token" {
				used = token
			}
			l.search(t, used)
			found, err := canary.FindInFolder(r.dir, nil, used)
			if err != nil || len(found) > 0 {
				t.Errorf("files hold secrets: %v %v", found, err)
			}
		})
	}
}
