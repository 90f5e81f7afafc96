package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

func TestRule_R20_AHashIsSaltedAndVerifies(t *testing.T) {
	for _, secret := range []string{"", "hunter2", "ü\x00\n", strings.Repeat("x", 100_000)} {
		first, second := state.Hash(secret), state.Hash(secret)
		if first == second {
			t.Errorf("two hashes of one secret are equal: %s", first)
		}
		if !strings.HasPrefix(first, "$argon2id$v=19$m=4096,t=1,p=1$") || strings.Contains(first, "hunter2") {
			t.Errorf("hash %s", first)
		}
		if !state.Verify(first, secret) || !state.Verify(second, secret) {
			t.Errorf("a hash of %.20q does not verify", secret)
		}
		if state.Verify(first, secret+"x") {
			t.Errorf("a hash of %.20q verifies another secret", secret)
		}
	}
}

// What an earlier run recorded, here of "hunter2", must verify for ever.
func TestRule_R20_ARecordedHashVerifies(t *testing.T) {
	const recorded = "$argon2id$v=19$m=4096,t=1,p=1$lU1ELAlvLwhkL8mV6XaKtw$ma9DVNeswacKWtFhWQsNCphzyqdySlc92wjk1Of0pP0"
	if !state.Verify(recorded, "hunter2") || state.Verify(recorded, "hunter3") {
		t.Errorf("%s verifies wrongly", recorded)
	}
}

func TestRule_R20_ADamagedHashMatchesNothing(t *testing.T) {
	good := state.Hash("secret")
	for _, bad := range []string{
		"", "secret", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=4096", "m=4194304", 1), strings.Replace(good, "t=1", "t=1000000", 1),
		strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "p=1", "p=255", 1), strings.Replace(good, "p=1", "p=01", 1),
		good + "$", good + "=", good[:len(good)-30], good[:strings.LastIndex(good, "$")+1], strings.Replace(good, "$argon", "x$argon", 1),
	} {
		if state.Verify(bad, "secret") {
			t.Errorf("%q verifies", bad)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(state.Hash("a"), "a")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "")
	f.Fuzz(func(t *testing.T, hash, secret string) {
		if state.Verify(hash, secret) && state.Verify(hash, secret+"\x01") {
			t.Errorf("%q verifies two secrets", hash)
		}
	})
}

func TestRule_R20_HasherGivesEachSecretItsSalt(t *testing.T) {
	var h state.Hasher
	hashes := h.HashAll("box.a", map[string]string{"code": "same", "lock.pin": "same"})
	if again := h.Hash("box.a", "code", "same"); again != hashes["code"] {
		t.Error("one secret was hashed twice in a run")
	}
	all := map[string]bool{
		hashes["code"]: true, hashes["lock.pin"]: true, h.Hash("box.b", "code", "same"): true, h.Hash("box.a", "code", "other"): true,
	}
	if len(all) != 4 {
		t.Error("two secrets share a hash, so the state shows which are equal")
	}
	if h.HashAll("box.a", nil) != nil {
		t.Error("no secrets have hashes")
	}
}

func TestVerifier(t *testing.T) {
	var v state.Verifier
	a, b := state.Hash("a"), state.Hash("b")
	candidates := []state.Candidate{{a, "a"}, {a, "a"}, {a, "b"}, {b, "b"}}
	if err := v.Prepare(context.Background(), candidates); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, c := range []struct {
				hash, secret string
				want         bool
			}{{a, "a", true}, {a, "b", false}, {b, "b", true}, {b, "a", false}, {"", "a", false}} {
				if got := v.Matches(c.hash, c.secret); got != c.want {
					t.Errorf("%q behind its hash: %v, want %v", c.secret, got, c.want)
				}
			}
		})
	}
	all.Wait()
	if text := fmt.Sprintf("%+v", &v); strings.Contains(text, "$argon2id$") {
		t.Error("a verifier prints what it verified")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := v.Prepare(ctx, candidates); !errors.Is(err, context.Canceled) {
		t.Errorf("prepared under a canceled context: %v", err)
	}
}

func TestRule_R20_MaskSplitsASecretFromItsValue(t *testing.T) {
	secret := func(v cty.Value) cty.Value { return v.Mark(schema.Sensitive) }
	str := cty.StringVal
	shelf := func(height, label, key cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"height": height, "label": label, "key": key})
	}
	noNumber, noString := cty.NullVal(cty.Number), cty.NullVal(cty.String)
	for name, c := range map[string]struct {
		attribute string
		value     cty.Value
		want      cty.Value
		secrets   map[string]string
	}{
		"plain":               {"size", cty.NumberIntVal(3), cty.NumberIntVal(3), nil},
		"write-only":          {"code", str("S"), noString, map[string]string{"code": "S"}},
		"write-only, marked":  {"code", secret(str("S")), noString, map[string]string{"code": "S"}},
		"write-only, unknown": {"code", secret(cty.UnknownVal(cty.String)), noString, nil},
		"marked null":         {"code", secret(noString), noString, nil},
		"ordinary place":      {"size", secret(cty.NumberIntVal(3)), noNumber, map[string]string{"size": "3"}},
		"map element": {"tags", cty.MapVal(map[string]cty.Value{"a": str("x"), "b": secret(str("S"))}),
			cty.MapVal(map[string]cty.Value{"a": str("x"), "b": noString}), map[string]string{`tags["b"]`: "S"}},
		"null map element": {"tags", cty.MapVal(map[string]cty.Value{"b": secret(noString)}),
			cty.MapVal(map[string]cty.Value{"b": noString}), nil},
		"whole map":  {"tags", secret(cty.MapVal(map[string]cty.Value{"a": str("S")})), cty.NullVal(cty.Map(cty.String)), map[string]string{"tags": `{"a":"S"}`}},
		"empty map":  {"tags", cty.MapValEmpty(cty.String), cty.MapValEmpty(cty.String), nil},
		"list":       {"colors", cty.ListVal([]cty.Value{str("x"), secret(str("S"))}), cty.ListVal([]cty.Value{str("x"), noString}), map[string]string{"colors[1]": "S"}},
		"whole list": {"colors", secret(cty.ListVal([]cty.Value{str("S"), str("T")})), cty.NullVal(cty.List(cty.String)), map[string]string{"colors": `["S","T"]`}},
		"in an object": {"lock", cty.ObjectVal(map[string]cty.Value{"maker": secret(str("M")), "pin": str("S")}),
			cty.ObjectVal(map[string]cty.Value{"maker": noString, "pin": noString}), map[string]string{"lock.maker": "M", "lock.pin": "S"}},
		"marked object": {"lock", secret(cty.ObjectVal(map[string]cty.Value{"maker": str("M"), "pin": noString})),
			cty.ObjectVal(map[string]cty.Value{"maker": noString, "pin": noString}), map[string]string{"lock.maker": "M"}},
		"in list elements": {"shelves", cty.ListVal([]cty.Value{shelf(cty.NumberIntVal(1), str("a"), str("S")), secret(shelf(noNumber, str("b"), noString))}),
			cty.ListVal([]cty.Value{shelf(cty.NumberIntVal(1), str("a"), noString), shelf(noNumber, noString, noString)}),
			map[string]string{"shelves[0].key": "S", "shelves[1].label": "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			kind := statetest.Catalog(t).Kind("box")
			given := schema.NullObject(kind.Attributes).AsValueMap()
			given["name"], given[c.attribute] = str("n"), c.value
			want := schema.NullObject(kind.Attributes).AsValueMap()
			want["name"], want[c.attribute] = str("n"), c.want
			plain, secrets := state.Mask(kind, cty.ObjectVal(given))
			if !plain.RawEquals(cty.ObjectVal(want)) {
				t.Errorf("kept %#v\nwant %#v", plain.GetAttr(c.attribute), c.want)
			}
			if diff := cmp.Diff(c.secrets, secrets); diff != "" && len(c.secrets)+len(secrets) > 0 {
				t.Errorf("secrets (- wanted, + found):\n%s", diff)
			}
			s := state.New()
			s.Resources["box.n"] = &schema.Bound{Address: "box.n", Kind: "box", Applied: plain}
			if data := string(encode(t, s)); strings.Contains(data, `"S`) {
				t.Errorf("a secret can be stored:\n%s", data)
			}
		})
	}
}

func TestMaskLeavesOutWhatAtlasOwns(t *testing.T) {
	plain, secrets := state.Mask(statetest.Catalog(t).Kind("lid"), statetest.Value(t, "lid", map[string]any{"id": "l1", "shape": "round"}))
	if !plain.GetAttr("id").IsNull() || plain.GetAttr("shape").AsString() != "round" || len(secrets) > 0 {
		t.Errorf("kept %#v, %v", plain, secrets)
	}
	null := cty.NullVal(plain.Type())
	if plain, _ := state.Mask(statetest.Catalog(t).Kind("lid"), null); !plain.RawEquals(null) {
		t.Errorf("of nothing is kept %#v", plain)
	}
}

func BenchmarkVerify1000(b *testing.B) {
	candidates := make([]state.Candidate, 1000)
	for i := range candidates {
		candidates[i] = state.Candidate{Hash: state.Hash(fmt.Sprint(i)), Secret: fmt.Sprint(i)}
	}
	for b.Loop() {
		var v state.Verifier
		if err := v.Prepare(context.Background(), candidates); err != nil {
			b.Fatal(err)
		}
	}
}
