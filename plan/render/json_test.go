package render_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
)

func TestGoldenJSON(t *testing.T) {
	c := catalog(t)
	o := render.Options{Catalog: c}
	for name, p := range map[string]*plan.Plan{"empty": {Now: now}, "creations": creations(t, c), "mixed": mixed(t, c)} {
		golden(t, name+".json", indented(t, rendered(t, "json", o, p)))
	}
	golden(t, "drift.json", indented(t, drifted(t, "json", o, mixed(t, c))))
}

func indented(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestTerraformsLibraryReadsThePlan reads the output with the library that tools for Terraform plans use.
func TestTerraformsLibraryReadsThePlan(t *testing.T) {
	c := catalog(t)
	for _, text := range [][]byte{
		rendered(t, "json", render.Options{Catalog: c}, mixed(t, c)), drifted(t, "json", render.Options{Catalog: c}, mixed(t, c)),
	} {
		var p tfjson.Plan
		if err := json.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		if p.FormatVersion != "1.2" || p.Timestamp != "2026-03-01T12:00:00Z" || len(p.ResourceDrift) != 3 {
			t.Errorf("format %q, time %q, %d drifts", p.FormatVersion, p.Timestamp, len(p.ResourceDrift))
		}
	}
	var p tfjson.Plan
	if err := json.Unmarshal(rendered(t, "json", render.Options{Catalog: c}, mixed(t, c)), &p); err != nil {
		t.Fatal(err)
	}
	got := map[string]tfjson.Actions{}
	found := map[string]*tfjson.ResourceChange{}
	for _, r := range p.ResourceChanges {
		got[r.Address], found[r.Address] = r.Change.Actions, r
		if r.Mode != tfjson.ManagedResourceMode || r.ProviderName != "mercator" || r.Type == "" || r.Name == "" {
			t.Errorf("%s: mode %q, provider %q, type %q, name %q", r.Address, r.Mode, r.ProviderName, r.Type, r.Name)
		}
	}
	for address, check := range map[string]func(tfjson.Actions) bool{
		`site.shop["prod"]`:                             tfjson.Actions.Update,
		`site.shop["prod"].engine.cache`:                tfjson.Actions.DestroyBeforeCreate,
		`site.shop["prod"].gate.office["192.0.2.0/24"]`: tfjson.Actions.CreateBeforeDestroy,
		`site.shop["prod"].engine.reports`:              tfjson.Actions.NoOp,
		`site.attic`:                                    tfjson.Actions.Delete,
		`site.shop["prod"].person.guest`:                tfjson.Actions.Forget,
		`site.shop["prod"].person.app`:                  tfjson.Actions.Update,
	} {
		if !check(got[address]) {
			t.Errorf("%s: actions are %v", address, got[address])
		}
	}
	app := found[`site.shop["prod"].person.app`]
	if app.Change.Importing == nil || app.Change.Importing.ID != "app" {
		t.Errorf("the adoption is no import: %+v", app.Change.Importing)
	}
	if after := app.Change.After.(map[string]any); after["password"] != nil {
		t.Errorf("the password is %v", after["password"])
	}
	if want := map[string]any{"password": true}; !reflect.DeepEqual(app.Change.AfterSensitive, want) {
		t.Errorf("after_sensitive is %v, want %v", app.Change.AfterSensitive, want)
	}
	cache := found[`site.shop["prod"].engine.cache`]
	if want := []any{[]any{"version"}}; !reflect.DeepEqual(cache.Change.ReplacePaths, want) {
		t.Errorf("replace_paths is %v, want %v", cache.Change.ReplacePaths, want)
	}
	orders := found[`site.shop["prod"].engine.orders`]
	if want := map[string]any{"address": true}; !reflect.DeepEqual(orders.Change.AfterUnknown, want) {
		t.Errorf("after_unknown is %v, want %v", orders.Change.AfterUnknown, want)
	}
	if _, ok := orders.Change.After.(map[string]any)["address"]; ok {
		t.Error("an unknown value stands in after")
	}
	if gate := found[`site.shop["prod"].gate.office["192.0.2.0/24"]`]; gate.Index != "192.0.2.0/24" || gate.Name != "office" {
		t.Errorf("name %q, index %v", gate.Name, gate.Index)
	}
	if uri := p.OutputChanges["uri"]; uri.AfterUnknown != true || !uri.Actions.Create() {
		t.Errorf("the output uri is %+v", uri)
	}
}

// TestWhetherAPlanCanBeApplied holds what other tools look at before they offer to apply a plan.
func TestWhetherAPlanCanBeApplied(t *testing.T) {
	c := catalog(t)
	narrow := creations(t, c)
	narrow.Targets = []schema.Address{siteDev}
	for name, tc := range map[string]struct {
		p                    *plan.Plan
		applyable, completes bool
	}{
		"changes": {creations(t, c), true, true}, "errors": {mixed(t, c), false, false},
		"nothing": {&plan.Plan{Now: now}, false, true}, "a target": {narrow, true, false},
	} {
		var out struct{ Applyable, Complete bool }
		if err := json.Unmarshal(rendered(t, "json", render.Options{Catalog: c}, tc.p), &out); err != nil {
			t.Fatal(err)
		}
		if out.Applyable != tc.applyable || out.Complete != tc.completes {
			t.Errorf("%s: applyable is %v, complete is %v", name, out.Applyable, out.Complete)
		}
	}
}

func TestSummaryInJSON(t *testing.T) {
	c := catalog(t)
	var out struct {
		Errored  bool
		Mercator struct{ Summary map[string]int }
	}
	if err := json.Unmarshal(rendered(t, "json", render.Options{Catalog: c}, mixed(t, c)), &out); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"create": 0, "update": 3, "replace": 2, "delete": 3, "adopt": 1, "forget": 1}
	if !reflect.DeepEqual(out.Mercator.Summary, want) || !out.Errored {
		t.Errorf("summary %v, errored %v; want %v and true", out.Mercator.Summary, out.Errored, want)
	}
}

func TestModuleAndIndex(t *testing.T) {
	p := &plan.Plan{Changes: []plan.Change{
		{Address: `module.team["a"].module.inner.site.main`, Kind: "site", Action: plan.NoOp},
		{Address: `site.main[2]`, Kind: "site", Action: plan.NoOp},
		{Address: `site.main.gate.x["eu"]["10.0.0.1"]`, Kind: "gate", Action: plan.NoOp},
		{Address: `site.main.engine.x.schedule`, Kind: "schedule", Action: plan.NoOp},
	}}
	var out tfjson.Plan
	if err := json.Unmarshal(rendered(t, "json", render.Options{}, p), &out); err != nil {
		t.Fatal(err)
	}
	for i, want := range []tfjson.ResourceChange{
		{ModuleAddress: `module.team["a"].module.inner`, Type: "site", Name: "main"},
		{Type: "site", Name: "main", Index: 2.0},
		{Type: "gate", Name: "x", Index: "eu/10.0.0.1"},
		{Type: "schedule", Name: "schedule"},
	} {
		got := out.ResourceChanges[i]
		if got.ModuleAddress != want.ModuleAddress || got.Type != want.Type || got.Name != want.Name || got.Index != want.Index {
			t.Errorf("%s: module %q, type %q, name %q, index %v", got.Address, got.ModuleAddress, got.Type, got.Name, got.Index)
		}
	}
}
