package schema

import "testing"

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]Address{
		"project.payments":                        "project.payments",
		`project.payments["prod"].cluster.orders`: `project.payments["prod"].cluster.orders`,
		`access_list.office["eu"]["10.0.0.0/8"]`:  `access_list.office["eu"]["10.0.0.0/8"]`,
		"cluster.orders.backup_schedule":          "cluster.orders.backup_schedule",
		"team.t[3]":                               "team.t[3]",
		`team.t["a\"b\\c\nd"]`:                    `team.t["a\"b\\c\nd"]`,
		`module.team["a"].project.main`:           `module.team["a"].project.main`,
		"":                                        "",
		"project.":                                "",
		"project.p[":                              "",
		"project.p[01]":                           "",
		"project.p[-1]":                           "",
		`project.p["a"`:                           "",
		`project.p["a`:                            "",
		"project.p x":                             "",
		"project..p":                              "",
		"project.p[x]":                            "",
		`project.p["a"]b`:                         "",
		`project.p["a"]]`:                         "",
		"project.p\x00.q":                         "",
		"[\"x\"].project.":                        "",
	} {
		got, err := ParseAddress(text)
		if (err == nil) != (want != "") || got != want {
			t.Errorf("%q reads as %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestAddressParts(t *testing.T) {
	const a = Address(`project.p["x.y"].access_list.o["eu"]["10.0.0.0/8"]`)
	if got := a.Parent(); got != `project.p["x.y"]` {
		t.Errorf("the parent is %s", got)
	}
	if got := a.Block(); got != `project.p["x.y"].access_list.o` {
		t.Errorf("the block is %s", got)
	}
	if got := a.Kind(); got != "access_list" {
		t.Errorf("the kind is %s", got)
	}
	for _, tc := range []struct {
		a, b             Address
		covers, contains bool
	}{
		{"team.t", "team.t", true, true},
		{"team.t", `team.t["a"]`, true, true},
		{"team.t", "team.tt", false, false},
		{"project.p", "project.p.cluster.c", false, true},
		{"project.p", `project.p["a"].cluster.c`, false, true},
		{`project.p["a"]`, `project.p["a"].cluster.c`, false, true},
		{`project.p["a"].access_list.o`, `project.p["a"].access_list.o["x"]["y"]`, true, true},
		{`access_list.o["x"]`, `access_list.o["x"]["y"]`, true, true},
		{`team.t["a"]`, "team.t", false, false},
	} {
		if got := tc.a.Covers(tc.b); got != tc.covers {
			t.Errorf("%s covers %s: %t", tc.a, tc.b, got)
		}
		if got := tc.a.Contains(tc.b); got != tc.contains {
			t.Errorf("%s contains %s: %t", tc.a, tc.b, got)
		}
	}
}

// FuzzParseAddress holds that what is read is canonical, and that its parts make it up again.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"project.p", `a.b["c\"d"][3].e.f`, "a.b.c", `x.y["` + "\u00e9\n" + `"]`, "é.ü[0]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if err != nil {
			return
		}
		if again, err := ParseAddress(string(a)); err != nil || again != a {
			t.Fatalf("%q reads as %q, which reads as %q, %v", text, a, again, err)
		}
		if len(a.Steps()) == 0 {
			t.Fatalf("%q has no steps", a)
		}
		block := a.Block()
		if !block.Covers(a) || !block.Contains(a) {
			t.Errorf("the block %q of %q does not cover it", block, a)
		}
		if p := a.Parent(); p != "" && !p.Contains(a) {
			t.Errorf("the parent %q does not contain %q", p, a)
		}
		steps := a.Steps()
		var made Address
		for _, s := range steps {
			made = made.Child(s.Kind, s.Label)
			for _, k := range s.Keys {
				made += Address(k.bracket())
			}
		}
		if made != a {
			t.Errorf("the steps of %q make %q", a, made)
		}
	})
}
