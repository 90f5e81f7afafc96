package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

func losing(a schema.Address, key string, goesWith schema.Address) plan.Change {
	return plan.Change{Address: a, Kind: a.Kind(), Key: key, Action: plan.Delete, NeedsAllow: "allow-destroy", GoesWith: goesWith}
}

func TestRule_R30_Confirm(t *testing.T) {
	destroying := &plan.Plan{
		AllowDestroy: []string{"project.old"},
		Changes: []plan.Change{
			losing("project.old", "old", ""),
			losing("project.shop", "shop", ""),
			losing("project.shop.cluster.orders", "orders", "project.shop"),
			{Address: "project.shop.database_user.app", Action: plan.Delete, Key: "admin/app"},
			losing("project.shop.alert_config.lag", "", ""),
		},
	}
	for _, c := range []struct {
		name, typed string
		want        bool
	}{
		{"each by its name", "yes\nshop\nlag\n", true},
		{"spaces around", " yes \n shop \n lag", true},
		{"not yes", "y\n", false},
		{"the first name is wrong", "yes\nshopp\n", false},
		{"the last name is wrong", "yes\nshop\nyes\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			got, err := newHuman(strings.NewReader(c.typed), screen{w: &b, width: 60}).confirm(t.Context(), destroying)
			if err != nil || got != c.want {
				t.Errorf("confirm = %v, %v\n%s", got, err, &b)
			}
			if strings.Contains(b.String(), "Type its name, orders") || strings.Contains(b.String(), "Type its name, old") {
				t.Errorf("what goes with its parent, or is allowed by a flag, is asked for:\n%s", &b)
			}
		})
	}
}

// TestRule_R23_Confirm: who may lock the tool out says so by the name of what does it.
func TestRule_R23_Confirm(t *testing.T) {
	p := &plan.Plan{Changes: []plan.Change{{Address: "api_key.deployer", Kind: "api_key", Action: plan.Update, NeedsAllow: "allow-destroy",
		Risks: []plan.RiskNote{{Risk: schema.LocksOut, Note: "it is the credential in use"}}}}}
	for typed, want := range map[string]bool{"yes\ndeployer\n": true, "yes\nyes\n": false} {
		var b bytes.Buffer
		got, err := newHuman(strings.NewReader(typed), screen{w: &b, width: 80}).confirm(t.Context(), p)
		if err != nil || got != want || !strings.Contains(b.String(), "api_key.deployer: this may lock Mercator out (update).") {
			t.Errorf("typed %q: %v, %v\n%s", typed, got, err, &b)
		}
	}
}

func TestNoAnswer(t *testing.T) {
	p := &plan.Plan{Changes: []plan.Change{{Address: "project.shop", Action: plan.Create}}}
	if yes, err := newHuman(strings.NewReader(""), screen{w: io.Discard, width: 60}).confirm(t.Context(), p); yes || !errors.Is(err, errNoAnswer) {
		t.Errorf("at the end of the input: %v, %v", yes, err)
	}
	silent, end := io.Pipe()
	defer end.Close()
	ctx, cancel := context.WithCancel(t.Context())
	asked := &trigger{on: "Only", do: cancel}
	if yes, err := newHuman(silent, screen{w: asked, width: 60}).confirm(ctx, p); yes || !errors.Is(err, context.Canceled) {
		t.Errorf("when interrupted: %v, %v", yes, err)
	}
}

func TestNameOf(t *testing.T) {
	for a, want := range map[schema.Address]string{
		"project.shop.alert_config.lag":        "lag",
		`project.shop["dev"].backup_schedule`:  "backup_schedule",
		`project.shop["dev"].cluster["a"].x.y`: "y",
	} {
		if got := nameOf(&plan.Change{Address: a}); got != want {
			t.Errorf("nameOf(%s) = %q, want %q", a, got, want)
		}
	}
}
