package state_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares data with a file under testdata. The files of version 1 are in people's hands: a change in
// them is a change of the format.
func golden(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("%s differs (- golden, + now):\n%s", path, diff)
	}
}

func fullState(t testing.TB) *state.State {
	s := statetest.Full(t)
	s.Lineage, s.Serial = "8a6c3bb4-2f5b-4c4e-9d1c-0e6f3b8f7a10", 42
	return s
}

func encode(t testing.TB, s *state.State) []byte {
	t.Helper()
	data, err := state.Encode(statetest.Catalog(t), s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestVersion1IsReadForEver(t *testing.T) {
	want := fullState(t)
	golden(t, "state.v1.json", encode(t, want))
	data, err := os.ReadFile("testdata/state.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.Decode(statetest.Catalog(t), data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := statetest.Diff(want, got); diff != "" {
		t.Errorf("the state differs (- wanted, + read):\n%s", diff)
	}
}

func TestEncodeIsDeterministic(t *testing.T) {
	want := encode(t, fullState(t))
	for range 20 {
		if got := encode(t, fullState(t)); !bytes.Equal(want, got) {
			t.Fatalf("two encodings differ:\n%s\n%s", want, got)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	secret := cty.StringVal("CANARY").Mark(schema.Sensitive)
	with := func(name string, v cty.Value) func(*state.State) {
		return func(s *state.State) {
			b := statetest.Box(t, "a", 1)
			fields := b.Applied.AsValueMap()
			fields[name] = v
			b.Applied = cty.ObjectVal(fields)
			s.Resources[b.Address] = b
		}
	}
	lock := func(pin cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"maker": cty.NullVal(cty.String), "pin": pin})
	}
	for name, c := range map[string]struct {
		change func(*state.State)
		want   string
	}{
		"marked":              {with("name", secret), "name is sensitive"},
		"marked deep":         {with("tags", cty.MapVal(map[string]cty.Value{"x": secret})), `tags["x"] is sensitive`},
		"unknown":             {with("size", cty.UnknownVal(cty.Number)), "size is not known"},
		"write-only unmarked": {with("code", cty.StringVal("CANARY")), "code is write-only"},
		"write-only deep":     {with("lock", lock(cty.StringVal("CANARY"))), "lock.pin is write-only"},
		"huge number":         {with("size", cty.MustParseNumberVal("1e100000")), "size is out of range"},
		"wrong type":          {with("size", cty.StringVal("1")), "not of the type of kind box"},
		"marked whole": {func(s *state.State) {
			b := statetest.Box(t, "a", 1)
			b.Applied = b.Applied.Mark(schema.Sensitive)
			s.Resources[b.Address] = b
		}, "box.a"},
		"sensitive output": {func(s *state.State) { s.Outputs["o"] = state.Output{Value: secret} }, `output "o": its value is sensitive`},
		"unknown output": {func(s *state.State) {
			s.Outputs["o"] = state.Output{Value: cty.UnknownVal(cty.String)}
		}, `output "o": its value is not known`},
		"unknown kind": {func(s *state.State) { s.Resources["x.a"] = &schema.Bound{Address: "x.a", Kind: "x"} }, `x.a: this Mercator has no kind "x"`},
		"wrong key":    {func(s *state.State) { s.Resources["box.b"] = statetest.Box(t, "a", 1) }, "kept under the address box.b"},
		"secret intent": {func(s *state.State) {
			i := statetest.Armed(t, "i", "box.n")
			i.Content = i.Content.Mark(schema.Sensitive)
			s.Intents = append(s.Intents, *i)
		}, "the intent for box.n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := state.New()
			c.change(s)
			data, err := state.Encode(statetest.Catalog(t), s)
			if err == nil {
				t.Fatalf("it was written:\n%s", data)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "CANARY") {
				t.Errorf("error %q, want %q in it and no secret", err, c.want)
			}
		})
	}
}

// R40: a sensitive output is remembered by its name, whatever its value.
func TestRule_R40_SensitiveOutputsAreStoredByNameOnly(t *testing.T) {
	s := state.New()
	s.Outputs["o"] = state.Output{Value: cty.StringVal("CANARY").Mark(schema.Sensitive), Sensitive: true}
	data := encode(t, s)
	if bytes.Contains(data, []byte("CANARY")) {
		t.Errorf("the value was written:\n%s", data)
	}
	got, err := state.Decode(statetest.Catalog(t), data)
	if err != nil || !got.Outputs["o"].Sensitive || !got.Outputs["o"].Value.IsNull() {
		t.Errorf("read back: %+v, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"empty":             {"", "damaged"},
		"no JSON":           {"<<<<<<< ours", "damaged"},
		"not an object":     {"[1]", "damaged"},
		"no version":        {`{}`, "not a state of Mercator"},
		"newer":             {`{"version":2,"serial":1,"novelty":true}`, "written by a newer Mercator"},
		"terraform":         {`{"version":4,"terraform_version":"1.9.0","serial":1}`, "state of Terraform"},
		"misspelt":          {`{"version":1,"serial":1,"resurces":{}}`, `unknown field "resurces"`},
		"cut off":           {`{"version":1,"serial":1`, "damaged"},
		"trailing":          {`{"version":1,"serial":1} {}`, "damaged"},
		"unknown kind":      {`{"version":1,"serial":1,"resources":{"a.b":{"kind":"a"}}}`, `a.b: this Mercator has no kind "a"`},
		"bad address":       {`{"version":1,"serial":1,"resources":{"box..a":{"kind":"box"}}}`, "not an address"},
		"odd address":       {`{"version":1,"serial":1,"resources":{"box.a[\"\\x\"]":{"kind":"box"}}}`, "is spelt"},
		"address twice":     {`{"version":1,"serial":1,"resources":{"box.a":{"kind":"box","address":"box.b"}}}`, "damaged"},
		"bad intent":        {`{"version":1,"serial":1,"intents":[{"id":"i","address":"","kind":"box","verb":"create"}]}`, "an intent"},
		"stored secret":     {`{"version":1,"serial":1,"resources":{"box.a":{"kind":"box","applied":{"code":"x"}}}}`, "write-only"},
		"huge number":       {`{"version":1,"serial":1,"resources":{"box.a":{"kind":"box","applied":{"size":1e600000000}}}}`, "out of range"},
		"huge text number":  {`{"version":1,"serial":1,"resources":{"box.a":{"kind":"box","applied":{"limits":{"a":"1e600000000"}}}}}`, "out of range"},
		"huge output":       {`{"version":1,"serial":1,"outputs":{"o":{"type":"number","value":"1e600000000"}}}`, "out of range"},
		"output type":       {`{"version":1,"serial":1,"outputs":{"o":{"type":"nothing","value":1}}}`, "type is damaged"},
		"output without":    {`{"version":1,"serial":1,"outputs":{"o":{}}}`, "type is damaged"},
		"output mismatch":   {`{"version":1,"serial":1,"outputs":{"o":{"type":"bool","value":[]}}}`, "value is damaged"},
		"mixed output list": {`{"version":1,"serial":1,"outputs":{"o":{"type":["list","dynamic"],"value":[{"type":"bool","value":true},{"type":"string","value":"a"}]}}}`, `output "o"`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := state.Decode(statetest.Catalog(t), []byte(c.data))
			if err == nil {
				t.Fatalf("it was read: %+v", got)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q in it", err, c.want)
			}
		})
	}
}

// An argument that a kind no longer has is forgotten; the rest of the resource is not.
func TestDecodeLeavesOutFormerArguments(t *testing.T) {
	got, err := state.Decode(statetest.Catalog(t), []byte(
		`{"version":1,"serial":1,"resources":{"box.a":{"kind":"box","applied":{"name":"a","former":true}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := statetest.Value(t, "box", map[string]any{"name": "a"})
	if applied := got.Resources["box.a"].Applied; !applied.RawEquals(want) {
		t.Errorf("applied is %#v", applied)
	}
}

func FuzzDecode(f *testing.F) {
	catalog := statetest.Catalog(f)
	f.Add(encode(f, fullState(f)))
	f.Add(encode(f, state.New()))
	for _, seed := range []string{
		`{"version":1,"serial":1,"resources":{"box.a":{"kind":"box","applied":{"shelves":[null,{}],"tags":null}}}}`,
		`{"version":1,"outputs":{"o":{"type":["set",["object",{"a":"number"}]],"value":[{"a":1},{"a":null}]}}}`,
		`{"version":1,"outputs":{"o":{"type":"dynamic","value":null}},"intents":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := state.Decode(catalog, data)
		if err != nil {
			return
		}
		once, err := state.Encode(catalog, s)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		again, err := state.Decode(catalog, once)
		if err != nil {
			t.Fatalf("written but not read: %v\n%s", err, once)
		}
		if twice := encode(t, again); !bytes.Equal(once, twice) {
			t.Fatalf("not stable:\n%s\n%s", once, twice)
		}
	})
}

func bigState(tb testing.TB, n int) *state.State {
	tb.Helper()
	s := state.New()
	applied := statetest.Full(tb).Resources["box.tools"].Applied
	for i := range n {
		b := statetest.Box(tb, "tools", i)
		b.Address = schema.Address("box.tools").Key(fmt.Sprint(i))
		b.Applied = applied
		s.Resources[b.Address] = b
	}
	return s
}

func BenchmarkEncode10000(b *testing.B) {
	catalog, s := statetest.Catalog(b), bigState(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		data, err := state.Encode(catalog, s)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}

func BenchmarkDecode10000(b *testing.B) {
	catalog := statetest.Catalog(b)
	data := encode(b, bigState(b, 10_000))
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := state.Decode(catalog, data); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSucceedReportsDamage(t *testing.T) {
	if _, err := state.Succeed(statetest.Catalog(t), []byte("{"), state.New()); err == nil {
		t.Error("a damaged stored state was replaced")
	}
}
