package schema_test

import (
	"testing"

	"mercator/schema"
)

func TestMove(t *testing.T) {
	for _, tc := range []struct{ from, to, address, want schema.Address }{
		{"project.a", "project.b", "project.a", "project.b"},
		{"project.a", "project.b", `project.a["x"].cluster.c`, `project.b["x"].cluster.c`},
		{"project.a", "project.b", "project.ab", ""},
		{"project.a", `project.a["x"]`, "project.a", `project.a["x"]`},
		{"project.a", `project.a["x"]`, "project.a.cluster.c", `project.a["x"].cluster.c`},
		{"project.a", `project.a["x"]`, `project.a["x"]`, ""},
		{"project.a", `project.a["x"]`, `project.a["y"].cluster.c`, ""},
		{`project.a["x"]`, "project.a", `project.a["x"].cluster.c`, "project.a.cluster.c"},
		{"module.m", `module.m["x"]`, "module.m.project.p", `module.m["x"].project.p`},
		{"module.m", `module.m["x"]`, `module.m["x"].project.p`, ""},
		{"project.a", "module.m.project.a", "project.a.cluster.c", "module.m.project.a.cluster.c"},
	} {
		m := schema.Move{From: tc.from, To: tc.to}
		got := schema.Address("")
		if m.Concerns(tc.address) {
			got = m.Of(tc.address)
		}
		if got != tc.want {
			t.Errorf("%s to %s makes of %s %q, want %q", tc.from, tc.to, tc.address, got, tc.want)
		}
	}
}
