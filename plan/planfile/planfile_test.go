package planfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const canary = "hunter2"

func catalog(t testing.TB) *schema.Catalog {
	t.Helper()
	str := func(name string) schema.Attribute { return schema.Attribute{Name: name, Type: schema.TypeString} }
	c, err := schema.NewCatalog(
		schema.Kind{
			Name: "bell", Identity: schema.Identity{Binds: schema.ByContent, ID: "id"},
			Attributes: []schema.Attribute{
				{Name: "id", Type: schema.TypeString, Owner: schema.Server},
				str("event"),
				{Name: "tags", Type: schema.TypePairs},
				{Name: "retain", Type: schema.TypeBool, DestroyTime: true},
				{Name: "zones", Type: schema.TypeList, Of: schema.TypeString, Elem: schema.Elem{Ordered: true}},
				{Name: "hooks", Type: schema.TypeList, Nested: []schema.Attribute{
					str("type"), {Name: "token", Type: schema.TypeString, WriteOnly: true},
					{Name: "handle", Type: schema.TypeString, Handle: true}}},
			},
		},
	)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func bell(t testing.TB, text string) cty.Value {
	t.Helper()
	k := catalog(t).Kind("bell")
	if text == "" {
		return cty.NullVal(k.Type())
	}
	var j map[string]any
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		t.Fatal(err)
	}
	v, strange := schema.Decode(k.Attributes, j, schema.ByName)
	if strange != nil {
		t.Fatalf("%s: %q", text, strange)
	}
	return v
}

// small is a plan with everything that the form of the file treats in its own way.
func small(t testing.TB) *plan.Plan {
	t.Helper()
	hidden := cty.StringVal(canary).Mark(schema.Sensitive)
	desired, err := cty.Transform(bell(t, `{"event": "LAG", "hooks": [{"type": "CHAT", "token": "x"}], "tags": {"$": "dollar", "$x": "y"}}`), func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.Type() == cty.String && !v.IsNull() && v.AsString() == "x" {
			return hidden, nil
		}
		return v, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	after := desired.AsValueMap()
	after["id"] = cty.UnknownVal(cty.String)
	return &plan.Plan{
		Now: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Lineage: "d3b0", Serial: 1<<63 + 1,
		Connections: map[string]plan.Connection{"": {OrgID: "o1", BaseURL: "https://cloud.example.net"}},
		Changes: []plan.Change{
			{
				Address: `bell.lag["a"]`, Kind: "bell", Action: plan.Create,
				Before: bell(t, ""), After: cty.ObjectVal(after), Desired: desired, Secrets: []string{"hooks[0].token"}, Hashes: map[string]string{"hooks[1].token": "hash of " + canary},
				Diffs: []plan.Diff{
					{Path: "hooks[0].token", Op: plan.DiffAdd, Sensitive: true, New: hidden},
					{Path: "event", Op: plan.DiffAdd, New: cty.StringVal("LAG")},
				},
				Calls: []schema.Call{{Verb: schema.CallCreate, Operation: "createBell"}}, Timeouts: schema.Timeouts{Create: time.Hour},
			},
			{Address: "bell.old", Kind: "bell", Action: plan.Delete, Place: "orgId=o1", ID: "b9", Before: bell(t, `{"id": "b9", "event": "OLD"}`), After: bell(t, ""), Desired: bell(t, "")},
		},
		Tasks:        []plan.Task{{Change: 0, Phase: plan.Write}, {Change: 1, Phase: plan.Remove, Needs: []int{0}}},
		Drift:        []plan.Drift{{Address: "bell.old", Kind: "bell", Diffs: []plan.Diff{{Path: "event", Op: plan.DiffChange, Old: cty.StringVal("A"), New: cty.StringVal("OLD")}}}},
		Outputs:      []plan.OutputChange{{Name: "token", Action: plan.Create, Sensitive: true, Before: cty.NullVal(cty.String), After: cty.StringVal(canary)}},
		AllowDestroy: []string{"all"},
		Diagnostics:  diag.List{diag.Warningf("similar_object", "Something like it is there", "")},
	}
}

var source = Source{
	Dir: "live", Files: map[string]string{"main.hcl": Digest([]byte("x"))}, Variables: map[string]string{"region": Digest([]byte(`"EU"`))},
}

func saved(t testing.TB) *File {
	t.Helper()
	f, err := New(small(t), source, "1.2.3", catalog(t))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestGoldenFile pins the form: a file of today must stay readable, so a change here needs a new FormatVersion.
func TestGoldenFile(t *testing.T) {
	text, err := saved(t).encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "small.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update to write it", err)
	}
	if !bytes.Equal(text, want) {
		t.Errorf("the form of the file changed; got\n%s\nwant\n%s", text, want)
	}
	if bytes.Contains(text, []byte(canary)) {
		t.Errorf("the file holds a secret:\n%s", text)
	}
}

func TestWriteAndRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(path, []byte("an older file, open to all"), 0o644); err != nil {
		t.Fatal(err)
	}
	f := saved(t)
	if err := f.Write(path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has the mode %v (%v), want 0600", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the file there is something left: %v (%v)", entries, err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	want := *f
	want.Plan = without(f.Plan)
	if d := cmp.Diff(&want, got, equality...); d != "" {
		t.Errorf("what was read differs from what was written:\n%s", d)
	}
	if token := got.Plan.Changes[0].Desired.GetAttr("hooks").Index(cty.Zero).GetAttr("token"); !token.IsMarked() || token.IsKnown() {
		t.Errorf("the secret is read as %#v, want an unknown that is marked", token)
	}
}

func TestWriteIntoAMissingFolder(t *testing.T) {
	if err := saved(t).Write(filepath.Join(t.TempDir(), "missing", "plan.json")); err == nil {
		t.Error("there is no error")
	}
}

var equality = cmp.Options{
	cmp.Comparer(func(a, b cty.Value) bool {
		if a == cty.NilVal || b == cty.NilVal {
			return a == b
		}
		return a.RawEquals(b)
	}),
	cmpopts.EquateEmpty(),
}

// without returns the plan with placeholders in place of sensitive values, as reading gives it.
func without(p *plan.Plan) *plan.Plan {
	out := *p
	out.Changes = append([]plan.Change(nil), p.Changes...)
	for i := range out.Changes {
		c := &out.Changes[i]
		c.Before, c.After, c.Desired = placeholders(c.Before), placeholders(c.After), placeholders(c.Desired)
		c.Diffs, c.Hashes = withoutIn(c.Diffs), nil
	}
	out.Drift = append([]plan.Drift(nil), p.Drift...)
	for i := range out.Drift {
		out.Drift[i].Diffs = withoutIn(out.Drift[i].Diffs)
	}
	out.Outputs = append([]plan.OutputChange(nil), p.Outputs...)
	for i := range out.Outputs {
		o := &out.Outputs[i]
		if o.Sensitive && o.Before != cty.NilVal {
			o.Before = o.Before.Mark(schema.Sensitive)
		}
		if o.Sensitive && o.After != cty.NilVal {
			o.After = o.After.Mark(schema.Sensitive)
		}
		o.Before, o.After = placeholders(o.Before), placeholders(o.After)
	}
	return &out
}

func withoutIn(diffs []plan.Diff) []plan.Diff {
	out := append([]plan.Diff(nil), diffs...)
	for i := range out {
		if out[i].Sensitive {
			out[i].Old, out[i].New = cty.NilVal, cty.NilVal
		}
		out[i].Old, out[i].New = placeholders(out[i].Old), placeholders(out[i].New)
	}
	return out
}

func placeholders(v cty.Value) cty.Value {
	if v == cty.NilVal {
		return v
	}
	if raw, marks := v.Unmark(); len(marks) > 0 {
		if raw.IsKnown() && raw.IsNull() {
			return cty.NullVal(v.Type()).Mark(schema.Sensitive)
		}
		return cty.UnknownVal(v.Type()).Mark(schema.Sensitive)
	}
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() || v.LengthInt() == 0 {
		return v
	}
	ty := v.Type()
	if ty.IsMapType() || ty.IsObjectType() {
		values := v.AsValueMap()
		for k := range values {
			values[k] = placeholders(values[k])
		}
		if ty.IsMapType() {
			return cty.MapVal(values)
		}
		return cty.ObjectVal(values)
	}
	values := v.AsValueSlice()
	for i := range values {
		values[i] = placeholders(values[i])
	}
	switch {
	case ty.IsTupleType():
		return cty.TupleVal(values)
	case ty.IsSetType():
		return cty.SetVal(values)
	default:
		return cty.ListVal(values)
	}
}

// anyValue draws a value: of every type, null, unknown, marked, or none at all.
func anyValue(depth int) *rapid.Generator[cty.Value] {
	return rapid.Custom(func(t *rapid.T) cty.Value {
		v := anyPlain(t, depth)
		switch rapid.IntRange(0, 9).Draw(t, "form") {
		case 0:
			return v.Mark(schema.Sensitive)
		case 1:
			return cty.UnknownVal(v.Type())
		case 2:
			return cty.NullVal(v.Type())
		case 3:
			return cty.NullVal(v.Type()).Mark(schema.Sensitive)
		}
		return v
	})
}

func anyPlain(t *rapid.T, depth int) cty.Value {
	form := rapid.IntRange(0, 8).Draw(t, "type")
	if depth == 0 {
		form %= 4
	}
	keys := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b c", "$", "$$x", "$unknown", "ß"}), 0, 3, rapid.ID)
	switch form {
	case 0:
		return cty.StringVal(rapid.String().Draw(t, "text"))
	case 1:
		return cty.BoolVal(rapid.Bool().Draw(t, "bool"))
	case 2:
		return cty.MustParseNumberVal(rapid.StringMatching(`-?[1-9][0-9]{0,30}(\.[0-9]{1,12})?(e-?[0-9]{1,2})?`).Draw(t, "number"))
	case 3:
		return cty.NullVal(cty.DynamicPseudoType)
	case 4:
		values := map[string]cty.Value{}
		for _, k := range keys.Draw(t, "names") {
			values[k] = anyValue(depth-1).Draw(t, "attribute")
		}
		return cty.ObjectVal(values)
	case 5:
		values := map[string]cty.Value{}
		for _, k := range keys.Draw(t, "keys") {
			values[k] = cty.StringVal(rapid.String().Draw(t, "entry"))
		}
		if len(values) == 0 {
			return cty.MapValEmpty(cty.String)
		}
		return cty.MapVal(values)
	case 6:
		return cty.TupleVal(rapid.SliceOfN(anyValue(depth-1), 0, 3).Draw(t, "tuple"))
	case 7:
		return cty.SetVal([]cty.Value{cty.StringVal(rapid.String().Draw(t, "element")), cty.StringVal("b")})
	default:
		first := anyValue(depth-1).Draw(t, "first")
		return cty.ListVal([]cty.Value{first, cty.UnknownVal(first.Type()), cty.NullVal(first.Type())})
	}
}

// TestRoundTrip draws plans by reflection, so that a field which is added to the plan one day and gets lost in
// the file fails here.
func TestRoundTrip(t *testing.T) {
	config := rapid.MakeConfig{Types: map[reflect.Type]*rapid.Generator[any]{
		reflect.TypeFor[cty.Value](): rapid.Custom(func(t *rapid.T) cty.Value {
			if rapid.IntRange(0, 5).Draw(t, "absent") == 0 {
				return cty.NilVal
			}
			return anyValue(2).Draw(t, "value")
		}).AsAny(),
		reflect.TypeFor[time.Time](): rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		}).AsAny(),
		reflect.TypeFor[[]plan.Task](): rapid.Just([]plan.Task{}).AsAny(),
	}}
	changes := rapid.MakeCustom[plan.Change](config)
	config.Types[reflect.TypeFor[[]plan.Change]()] = rapid.SliceOfN(changes, 0, 2).AsAny()
	plans := rapid.MakeCustom[plan.Plan](config)
	rapid.Check(t, func(r *rapid.T) {
		p := plans.Draw(r, "plan")
		f := &File{Mercator: "1", Source: source, Plan: &p, Fingerprints: map[schema.Address]Fingerprint{}}
		text, err := f.encode()
		if err != nil {
			r.Fatal(err)
		}
		got, err := parse(text)
		if err != nil {
			r.Fatal(err)
		}
		if d := cmp.Diff(without(&p), got.Plan, equality...); d != "" {
			r.Fatalf("what was read differs from what was written:\n%s", d)
		}
		again, err := got.encode()
		if err != nil || !bytes.Equal(again, text) {
			r.Fatalf("written again it differs (%v):\n%s\n%s", err, text, again)
		}
	})
}

func TestSecretsInClearAreRefused(t *testing.T) {
	clear := bell(t, `{"hooks": [{"type": "CHAT"}, {"token": "hunter2"}]}`)
	for name, c := range map[string]plan.Change{
		"before":        {Before: clear},
		"after":         {After: clear},
		"desired":       {Desired: clear},
		"an element":    {Diffs: []plan.Diff{{Path: "hooks[1]", New: clear.GetAttr("hooks").Index(cty.NumberIntVal(1))}}},
		"an argument":   {Diffs: []plan.Diff{{Path: "hooks[1].token", Old: cty.StringVal(canary)}}},
		"a whole list":  {Diffs: []plan.Diff{{Path: "hooks", Old: clear.GetAttr("hooks")}}},
		"a marked twin": {Before: clear.Mark(schema.Sensitive), After: clear},
	} {
		c.Address, c.Kind = "bell.x", "bell"
		_, err := New(&plan.Plan{Changes: []plan.Change{c}}, source, "1", catalog(t))
		if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "hooks") {
			t.Errorf("%s: got %v, want an error that names the argument and not its value", name, err)
		}
	}
}

func TestOtherPlansThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		p    plan.Plan
		want string
	}{
		{plan.Plan{Diagnostics: diag.List{diag.Errorf("x", "wrong", "")}}, "a plan with errors"},
		{plan.Plan{Changes: []plan.Change{{Address: "horn.x", Kind: "horn"}}}, `no kind "horn"`},
	} {
		if _, err := New(&tc.p, source, "1", catalog(t)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("got %v, want %q", err, tc.want)
		}
	}
	odd := &File{Plan: &plan.Plan{Outputs: []plan.OutputChange{{Name: "o", After: cty.StringVal("x").Mark("odd")}}}}
	if _, err := odd.encode(); err == nil || !strings.Contains(err.Error(), "mark that is not known") {
		t.Errorf("a value with a foreign mark: got %v", err)
	}
}

// wrap puts content into a file with the right digest.
func wrap(content string) []byte {
	return fmt.Appendf(nil, `{"format":"mercator-plan","version":1,"mercator":"1","digest":%q,"content":%s}`, Digest([]byte(content)), content)
}

func TestReadErrors(t *testing.T) {
	good, err := saved(t).encode()
	if err != nil {
		t.Fatal(err)
	}
	plans := func(fields string) []byte {
		return wrap(`{"Source":{"Dir":"","Files":null,"Variables":null},"Types":["string"],"Plan":{` + fields + `},"Fingerprints":null}`)
	}
	if _, err := parse(plans(`"Serial":3`)); err != nil {
		t.Fatalf("the test's own frame is refused: %v", err)
	}
	for _, tc := range []struct {
		name string
		text []byte
		want string
	}{
		{"empty", nil, "no saved plan"},
		{"text", []byte("hello"), "no saved plan"},
		{"another JSON", []byte(`{"version": 4, "serial": 3}`), "no saved plan"},
		{"an array", []byte(`[]`), "no saved plan"},
		{"cut short", good[:len(good)/2], "cut short"},
		{"one changed byte", bytes.Replace(good, []byte("LAG"), []byte("LOG"), 1), "is damaged"},
		{"a newer format", bytes.Replace(good, []byte(`"version":1`), []byte(`"version":2`), 1), "made by a newer Mercator (1.2.3, format 2)"},
		{"no version", bytes.Replace(good, []byte(`"version":1,`), nil, 1), "format version 0"},
		{"an unknown field", plans(`"Colour":1`), "cannot be understood"},
		{"an unknown type", plans(`"Outputs":[{"Name":"x","Before":{"t":7,"v":null}}]`), "type number 7"},
		{"a wrong value", plans(`"Outputs":[{"Name":"x","Before":{"t":0,"v":12}}]`), "a string cannot be read"},
		{"a huge number", wrap(`{"Types":["number"],"Plan":{"Outputs":[{"Name":"x","Before":{"t":0,"v":1e9999999}}]}}`), "beyond all measure"},
		{"an unknown word", plans(`"Outputs":[{"Name":"x","Before":{"t":0,"v":{"$":"secret"}}}]`), "unknown word"},
		{"a task of nothing", plans(`"Tasks":[{"Change":0}]`), "belongs to change 0 of 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "plan.json")
			if err := os.WriteFile(path, tc.text, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Read(path)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("got %v, want an error about the file that says %q", err, tc.want)
			}
		})
	}
	if _, err := Read(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing file is no error")
	}
	if _, err := Read(t.TempDir()); err == nil {
		t.Error("a folder is no error")
	}
}

// FuzzRead feeds Read's parser with files, and with contents behind a digest that fits.
func FuzzRead(f *testing.F) {
	good, err := saved(f).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	var h head
	if err := json.Unmarshal(good, &h); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(h.Content))
	f.Add([]byte(`{"Types":[["set",["object",{"a":"dynamic"}]],["tuple",["bool"]]],"Plan":{"Outputs":[{"Before":{"t":0,"v":[{"a":null}]},"After":{"t":1,"v":[true]}}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, file := range [][]byte{text, wrap(string(text))} {
			got, err := parse(file)
			if err != nil {
				continue
			}
			again, err := got.encode()
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			if _, err := parse(again); err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
		}
	})
}
