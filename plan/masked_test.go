package plan_test

import (
	"slices"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

// radio is a shelf with one radio that is declared, live and known; the state has the hashes of the applied secrets.
func radio(t *testing.T, desired, live, applied m, hashed ...string) *world {
	t.Helper()
	w := shelf(t).want("shelf.a.radio.r", desired).has("radio", inside("s1"), live).
		knows("shelf.a.radio.r", inside("s1"), "", applied, func(b *schema.Bound) {
			b.Secrets = map[string]string{}
			for _, path := range hashed {
				b.Secrets[path] = path
			}
		})
	w.in.SecretMatches = func(hash, secret string) bool { return secret == "secret:"+hash }
	return w
}

// TestRule_R14_ASecretOfAReplacedObjectIsNeeded changes a radio whose every change replaces it, while the file does not
// hold what Atlas holds or cannot do without.
func TestRule_R14_ASecretOfAReplacedObjectIsNeeded(t *testing.T) {
	for name, tc := range map[string]struct {
		desired, live m
		want          []string
	}{
		"held":                {m{"band": "FREE", "volume": 2.0}, m{"band": "FREE", "volume": 1.0, "pin": "****"}, []string{"secret_needed"}},
		"held and given":      {m{"band": "FREE", "volume": 2.0, "pin": "secret:pin"}, m{"band": "FREE", "volume": 1.0, "pin": "****"}, nil},
		"not held":            {m{"band": "FREE", "volume": 2.0}, m{"band": "FREE", "volume": 1.0}, nil},
		"no change":           {m{"band": "FREE", "volume": 1.0}, m{"band": "FREE", "volume": 1.0, "pin": "****"}, nil},
		"required":            {m{"band": "PAID", "volume": 2.0}, m{"band": "PAID", "volume": 1.0}, []string{"secret_needed"}},
		"held, ruled out":     {m{"band": "FREE", "volume": 2.0}, m{"band": "FREE", "volume": 1.0, "key": "****"}, nil},
		"inside":              {m{"band": "FREE", "alarm": m{"hour": 7.0}}, m{"band": "FREE", "alarm": m{"hour": 6.0}}, []string{"secret_needed"}},
		"inside and given":    {m{"band": "FREE", "alarm": m{"hour": 7.0, "code": "secret:c"}}, m{"band": "FREE", "alarm": m{"hour": 6.0}}, nil},
		"inside, not managed": {m{"band": "FREE", "volume": 2.0}, m{"band": "FREE", "volume": 1.0, "alarm": m{"hour": 6.0}}, []string{"secret_needed"}},
	} {
		p := radio(t, tc.desired, tc.live, m{"band": tc.desired["band"]}, "pin").plan()
		if got := codes(p); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %q, want %q: %v", name, got, tc.want, p.Diagnostics)
		}
	}
}

// TestRule_R14_ASecretThatIsGoneIsSentAgain: Atlas shows no stars any more where a secret was applied.
func TestRule_R14_ASecretThatIsGoneIsSentAgain(t *testing.T) {
	same := m{"band": "FREE", "pin": "secret:pin"}
	p := radio(t, same, m{"band": "FREE", "pin": "****"}, m{"band": "FREE"}, "pin").plan()
	expect(t, p)
	if len(p.Drift) != 0 {
		t.Errorf("nothing is lost, and drift says %+v", p.Drift)
	}
	p = radio(t, same, m{"band": "FREE"}, m{"band": "FREE"}, "pin").plan()
	expect(t, p, "update shelf.a.radio.r pin")
	if len(p.Drift) != 1 || len(p.Drift[0].Diffs) != 1 || p.Drift[0].Diffs[0].Op != plan.DiffRemove || !p.Drift[0].Reverts {
		t.Errorf("the drift is %+v", p.Drift)
	}
	if c := find(t, p, "shelf.a.radio.r"); !slices.Equal(c.Secrets, []string{"pin"}) || !c.Diffs[0].UndoesDrift || c.Diffs[0].Op != plan.DiffAdd {
		t.Errorf("the change is %+v", c)
	}
}

// Where the natural key has one spelling, that one is compared, recorded and sent, whatever the file says.
func TestAKeyIsSentAsItIsSpelt(t *testing.T) {
	p := shelf(t).want("shelf.a.radio.r", m{"band": "free"}).plan()
	if got := find(t, p, "shelf.a.radio.r").Desired.GetAttr("band").AsString(); got != "FREE" {
		t.Errorf("it would be created as %q", got)
	}
	expect(t, radio(t, m{"band": "free"}, m{"band": "FREE"}, m{"band": "FREE"}).plan())
	expectCodes(t, shelf(t).want("shelf.a.radio.r", m{"band": "free"}).want("shelf.a.radio.s", m{"band": "Free"}).plan(), "duplicate_object")
}
