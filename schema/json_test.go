package schema_test

import (
	"testing"

	"mercator/schema"
)

func TestCanonicalJSON(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{`{"a": 1, "b": [true, null]}`, "{\n  \"b\":[true,null],\"a\":1.0}", true},
		{`{"n": 1e2}`, `{"n":100}`, true},
		{`{"n": 0.1}`, `{"n":1e-1}`, true},
		{`"é <b>"`, `"\u00e9 \u003cb\u003e"`, true},
		{`[1, 2]`, `[2, 1]`, false},
		{`{"n": 100}`, `{"n": "100"}`, false},
		{`{"n": 9007199254740993}`, `{"n": 9007199254740992}`, false},
		{`{"a": null}`, `{}`, false},
		{`{"n": 1e400}`, `{"n": 2e400}`, false},
	} {
		a, err1 := schema.CanonicalJSON(tc.a)
		b, err2 := schema.CanonicalJSON(tc.b)
		if err1 != nil || err2 != nil || (a == b) != tc.same {
			t.Errorf("%s and %s: same %t, want %t (%s, %s; %v, %v)", tc.a, tc.b, a == b, tc.same, a, b, err1, err2)
		}
		if again, err := schema.CanonicalJSON(a); err != nil || again != a {
			t.Errorf("%s is not stable: it becomes %s, %v", a, again, err)
		}
	}
	for _, text := range []string{"", "{", "{} {}", "{'a': 1}", "[1,]", "nothing"} {
		if got, err := schema.CanonicalJSON(text); err == nil {
			t.Errorf("%q is taken for JSON: %s", text, got)
		}
	}
}

// FuzzCanonicalJSON holds that the spelling of whatever is taken for JSON is one.
func FuzzCanonicalJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,2.50,{"b":null}]}`, `1e400`, `"\u0000"`, `{"a":1,"a":2}`, ``} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once, err := schema.CanonicalJSON(text)
		if err != nil {
			return
		}
		if again, err := schema.CanonicalJSON(once); err != nil || again != once {
			t.Errorf("%q becomes %q, and that %q (%v)", text, once, again, err)
		}
	})
}

// What holds nothing is as if it were not there, in a document that Atlas keeps as JSON.
func TestCanonicalEmbedded(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{`{"dynamic": true}`, `{"fields": null, "dynamic": true}`, true},
		{`[{"name": "x", "charFilters": []}]`, `[{"name": "x"}]`, true},
		{`{"a": {"b": {"c": []}}}`, `{}`, true},
		{`{"n": 1.0}`, `{"n": 1}`, true},
		{`{"dynamic": false}`, `{}`, false},
		{`[{}]`, `[]`, false},
		{`[null]`, `[]`, false},
		{`true`, `false`, false},
	} {
		a, err1 := schema.CanonicalEmbedded(tc.a)
		b, err2 := schema.CanonicalEmbedded(tc.b)
		if err1 != nil || err2 != nil || (a == b) != tc.same {
			t.Errorf("%s and %s: same %t, want %t (%s, %s; %v, %v)", tc.a, tc.b, a == b, tc.same, a, b, err1, err2)
		}
	}
	if got, err := schema.CanonicalEmbedded("{'a'}"); err == nil {
		t.Errorf("it takes what is no JSON for %s", got)
	}
}
