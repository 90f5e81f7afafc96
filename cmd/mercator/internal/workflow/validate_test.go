package workflow_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/provider/sandbox"
)

// validated plans and asks Atlas about the plan, and returns what it says in lines of code, address and detail.
func (r *rig) validated() string {
	r.t.Helper()
	s := r.open()
	p, err := s.Plan(context.Background(), plan.Options{SkipAdvice: true})
	if err != nil {
		r.t.Fatal(err)
	}
	r.box.ResetCalls()
	var out []string
	for _, d := range s.Validate(context.Background(), p) {
		if d.Code != "not_validated" && (d.Address == "" || d.Range.IsZero()) {
			r.t.Errorf("%s stands nowhere", d.Code)
		}
		words, _, _ := strings.Cut(d.Detail, ":")
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", d.Code, d.Address, words)))
	}
	for _, call := range r.box.Calls() {
		if call.Mutating && call.Operation != "validateGroupClusterConfigurations" {
			r.t.Errorf("%s %s was called", call.Method, call.Path)
		}
	}
	return strings.Join(out, "\n")
}

func clusterIn(project, name, arguments string) string {
	return fmt.Sprintf(`project %q {
  cluster %q {
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    %s
  }
}
`, project, name, arguments)
}

// TestValidate asks Atlas about new and changed clusters before anything is applied.
func TestValidate(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	r.write(`project "shop" {}`).converge()
	for name, c := range map[string]struct{ arguments, want string }{
		"right":                   {`instance_size = "M10"`, ""},
		"what Atlas would refuse": {"instance_size = \"M10\"\nauto_scaling = { compute = { enabled = true } }", "atlas_would_refuse project.shop.cluster.orders COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED"},
	} {
		if got := r.write(clusterIn("shop", "orders", c.arguments)).validated(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	r.write(clusterIn("shop", "orders", `instance_size = "M10"`)).converge()
	if got := r.validated(); got != "" {
		t.Errorf("nothing to do: %q", got)
	}
	r.write(clusterIn("shop", "orders", `instance_size = "M20"`))
	if got := r.validated(); got != "" {
		t.Errorf("a larger one: %q", got)
	}
	r.write(clusterIn("shop", "orders", "instance_size = \"M20\"\nauto_scaling = { compute = { enabled = true } }"))
	if got := r.validated(); got != "atlas_would_refuse project.shop.cluster.orders COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED" {
		t.Errorf("a change that Atlas would refuse: %q", got)
	}
}

// TestValidateWhatCannotBeAsked names what is only known in time.
func TestValidateWhatCannotBeAsked(t *testing.T) {
	r := newRig(t, sandbox.Options{})
	if got := r.write(clusterIn("shop", "orders", `instance_size = "M10"`)).validated(); !strings.HasPrefix(got, "not_validated") {
		t.Errorf("in a new project: %q", got)
	}
	r.write(clusterIn("shop", "orders", "instance_size = \"M10\"\npaused = true")).converge()
	if got := r.write(clusterIn("shop", "orders", "instance_size = \"M20\"\npaused = false")).validated(); !strings.HasPrefix(got, "not_validated") {
		t.Errorf("a change that follows on a resumption: %q", got)
	}
	if got := r.write(clusterIn("shop", "orders", "instance_size = \"M10\"\npaused = false")).validated(); got != "" {
		t.Errorf("a resumption alone: %q", got)
	}
}

// TestValidationThatFails makes sure that no answer is not taken for a good one.
func TestValidationThatFails(t *testing.T) {
	r := newRig(t, sandbox.Options{Faults: []sandbox.Fault{{Path: "clusterConfigurations:validate", Action: sandbox.Status, Status: 403, ErrorCode: "USER_UNAUTHORIZED"}}})
	r.write(`project "shop" {}`).converge()
	if got := r.write(clusterIn("shop", "orders", `instance_size = "M10"`)).validated(); !strings.HasPrefix(got, "atlas_denied project.shop.cluster.orders") {
		t.Errorf("Atlas does not say: %q", got)
	}
}
