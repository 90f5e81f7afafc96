package render

import (
	"cmp"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
	"mercator/schema/diag"
)

// FormatVersion is the version of Terraform's JSON plan representation that the JSON format keeps to
// (https://developer.hashicorp.com/terraform/internals/json-format). Minor versions only add.
const FormatVersion = "1.2"

// JSON returns the renderer for programs: Terraform's plan representation, with what is Mercator's own under the
// one key "mercator". Unlike in the original, sensitive values are null and never in clear.
func JSON(o Options) Renderer { return jsonFormat{o} }

type jsonFormat struct{ options Options }

type jsonPlan struct {
	FormatVersion   string                `json:"format_version"`
	ResourceDrift   []jsonResource        `json:"resource_drift,omitempty"`
	ResourceChanges []jsonResource        `json:"resource_changes"`
	OutputChanges   map[string]jsonChange `json:"output_changes,omitempty"`
	Checks          []jsonCheck           `json:"checks,omitempty"`
	Timestamp       string                `json:"timestamp"`
	Applyable       bool                  `json:"applyable"`
	Complete        bool                  `json:"complete"`
	Errored         bool                  `json:"errored"`
	Mercator        any                   `json:"mercator"`
}

type jsonResource struct {
	Address         string     `json:"address"`
	PreviousAddress string     `json:"previous_address,omitempty"`
	ModuleAddress   string     `json:"module_address,omitempty"`
	Mode            string     `json:"mode"`
	Type            string     `json:"type"`
	Name            string     `json:"name"`
	Index           any        `json:"index,omitempty"`
	ProviderName    string     `json:"provider_name"`
	Change          jsonChange `json:"change"`
	ActionReason    string     `json:"action_reason,omitempty"`
}

type jsonChange struct {
	Actions         []string   `json:"actions"`
	Before          any        `json:"before"`
	After           any        `json:"after"`
	AfterUnknown    any        `json:"after_unknown"`
	BeforeSensitive any        `json:"before_sensitive"`
	AfterSensitive  any        `json:"after_sensitive"`
	ReplacePaths    [][]any    `json:"replace_paths,omitempty"`
	Importing       *importing `json:"importing,omitempty"`
}

// jsonCheck is what the conditions of one thing came to. It stands for its one instance, too.
type jsonCheck struct {
	Address   jsonChecked     `json:"address"`
	Status    string          `json:"status"`
	Instances []jsonCheckable `json:"instances"`
}

type jsonChecked struct {
	ToDisplay string `json:"to_display"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
}

type jsonCheckable struct {
	Address struct {
		ToDisplay string `json:"to_display"`
	} `json:"address"`
	Status   string        `json:"status"`
	Problems []jsonProblem `json:"problems,omitempty"`
}

type jsonProblem struct {
	Message string `json:"message"`
}

func checkOf(c *schema.Check) jsonCheck {
	one := jsonCheckable{Status: string(c.Status)}
	one.Address.ToDisplay = c.Name
	for _, problem := range c.Problems {
		one.Problems = append(one.Problems, jsonProblem{problem})
	}
	return jsonCheck{jsonChecked{c.Name, string(c.Kind), c.Name}, string(c.Status), []jsonCheckable{one}}
}

type importing struct {
	ID string `json:"id"`
}

// Plan implements Renderer.
func (f jsonFormat) Plan(w io.Writer, p *plan.Plan) error {
	out := f.document(p)
	for i := range p.Changes {
		out.ResourceChanges = append(out.ResourceChanges, f.resource(&p.Changes[i]))
	}
	out.OutputChanges = map[string]jsonChange{}
	for i := range p.Outputs {
		out.OutputChanges[p.Outputs[i].Name] = outputChange(&p.Outputs[i])
	}
	for i := range p.Checks {
		out.Checks = append(out.Checks, checkOf(&p.Checks[i]))
	}
	out.Applyable = !out.Errored && !p.Empty()
	own := f.extras(p)
	own.Drifted = nil
	out.Mercator = own
	return write(w, out)
}

// Drift implements Renderer: the same document with the drift alone.
func (f jsonFormat) Drift(w io.Writer, p *plan.Plan) error {
	out := f.document(p)
	out.Mercator = f.extras(p)
	return write(w, out)
}

func write(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (f jsonFormat) document(p *plan.Plan) *jsonPlan {
	out := &jsonPlan{
		FormatVersion:   FormatVersion,
		ResourceChanges: []jsonResource{},
		Timestamp:       p.Now.UTC().Format(time.RFC3339),
		Errored:         p.Diagnostics.HasErrors(),
		Complete:        !p.Diagnostics.HasErrors() && len(p.Targets) == 0 && len(p.Excludes) == 0,
	}
	live := map[schema.Address]*plan.Change{}
	if len(p.Drift) > 0 {
		for i := range p.Changes {
			live[p.Changes[i].Address] = &p.Changes[i]
		}
	}
	for i := range p.Drift {
		out.ResourceDrift = append(out.ResourceDrift, f.drifted(&p.Drift[i], live[p.Drift[i].Address]))
	}
	return out
}

func (f jsonFormat) resource(c *plan.Change) jsonResource {
	attrs := f.options.attributes(c.Kind)
	before, after := describe(attrs, c.Before, false), describe(attrs, c.After, false)
	r := resourceAt(c.Address)
	r.PreviousAddress = string(c.Previous)
	r.Change = jsonChange{
		Before: jsonValue(before), BeforeSensitive: shape(before, isSecret, nil),
		After: jsonValue(after), AfterSensitive: shape(after, isSecret, nil),
		AfterUnknown: shape(after, isUnknown, map[string]any{}),
	}
	r.Change.Actions, r.ActionReason = actionsOf(c)
	for i := range c.Diffs {
		if c.Diffs[i].Replaces {
			r.Change.ReplacePaths = append(r.Change.ReplacePaths, jsonPath(attrs, c.Diffs[i].Path))
		}
	}
	if c.Action == plan.Adopt {
		r.Change.Importing = &importing{cmp.Or(c.ID, schema.KeyText(c.Key))}
	}
	return r
}

// resourceAt fills in what an address says: module, type, name and index.
func resourceAt(a schema.Address) jsonResource {
	r := jsonResource{Address: string(a), Mode: "managed", ProviderName: "mercator"}
	steps := a.Steps()
	if len(steps) == 0 {
		return r
	}
	last := steps[len(steps)-1]
	r.Type, r.Name = last.Kind, cmp.Or(last.Label, last.Kind)
	r.Index = indexOf(last.Keys)
	module := a
	for range steps {
		if module = module.Parent(); module == "" || module.Kind() == "module" {
			break
		}
	}
	r.ModuleAddress = string(module)
	return r
}

// indexOf returns an instance key as Terraform writes it: a number or a text. An entry of an instance has two
// keys, which make one text; the address tells them apart.
func indexOf(keys []schema.StepKey) any {
	if len(keys) == 0 {
		return nil
	}
	if len(keys) == 1 && keys[0].Number {
		if n, err := strconv.Atoi(keys[0].Text); err == nil {
			return n
		}
	}
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = k.Text
	}
	return strings.Join(texts, "/")
}

// actionReasons are Terraform's words for our reasons.
var actionReasons = map[string]string{
	"cannot_update":      "replace_because_cannot_update",
	"by_request":         "replace_by_request",
	"not_declared":       "delete_because_no_resource_config",
	"adopted_undeclared": "delete_because_no_resource_config",
}

// actionsOf returns the actions in Terraform's words, and its code for the first reason that has one.
func actionsOf(c *plan.Change) (actions []string, reason string) {
	for _, r := range c.Reasons {
		if reason = actionReasons[r.Code]; reason != "" {
			break
		}
	}
	switch c.Action {
	case plan.Replace:
		if c.Leaves {
			return []string{"create", "forget"}, reason
		}
		if c.CreateFirst {
			return []string{"create", "delete"}, reason
		}
		return []string{"delete", "create"}, reason
	case plan.Delete:
		return []string{"delete"}, reason
	case plan.Adopt:
		if c.Writes() || len(c.Diffs) > 0 {
			return []string{"update"}, ""
		}
		return []string{"no-op"}, ""
	default: // create, update, forget and no-op have the same names
		return []string{string(c.Action)}, ""
	}
}

func outputChange(o *plan.OutputChange) jsonChange {
	before, after := describe(nil, o.Before, o.Sensitive), describe(nil, o.After, o.Sensitive)
	return jsonChange{
		Actions: []string{string(o.Action)},
		Before:  jsonValue(before), BeforeSensitive: shape(before, isSecret, nil),
		After: jsonValue(after), AfterSensitive: shape(after, isSecret, nil),
		AfterUnknown: shape(after, isUnknown, false),
	}
}

// drifted shows an object that changed outside: after is the live object as far as the plan knows it, before the
// same with the arguments as they were applied.
func (f jsonFormat) drifted(d *plan.Drift, c *plan.Change) jsonResource {
	attrs := f.options.attributes(d.Kind)
	r := resourceAt(d.Address)
	if d.Deleted {
		r.Change = jsonChange{
			Actions: []string{"delete"}, AfterUnknown: map[string]any{}, BeforeSensitive: map[string]any{}, AfterSensitive: false,
		}
		return r
	}
	live := describe(attrs, cty.NilVal, false)
	if c != nil {
		live = describe(attrs, c.Before, false)
	}
	before, after := sideOf(live), sideOf(live)
	for i := range d.Diffs {
		e := &d.Diffs[i]
		steps, attr := parsePath(attrs, e.Path)
		before.set(steps, attribute(attr, e.Old, e.Sensitive), e.Sensitive)
		after.set(steps, attribute(attr, e.New, e.Sensitive), e.Sensitive)
	}
	r.Change = jsonChange{
		Actions: []string{"update"}, Before: before.values, After: after.values,
		AfterUnknown: map[string]any{}, BeforeSensitive: before.secrets, AfterSensitive: after.secrets,
	}
	return r
}

// side is one side of a drift: its values, and the map of what in them is sensitive.
type side struct{ values, secrets any }

func sideOf(live typed) side {
	if !live.exists() || live.opaque() {
		return side{map[string]any{}, map[string]any{}}
	}
	return side{jsonValue(live), shape(live, isSecret, nil)}
}

func (s *side) set(path []step, t typed, secret bool) {
	s.values = place(s.values, path, jsonValue(t))
	if inside := shape(t, isSecret, nil); secret || !empty(inside) {
		if secret {
			inside = true
		}
		s.secrets = place(s.secrets, path, inside)
	}
}

// extras is what Terraform's representation has no place for.
type extras struct {
	Summary     summary               `json:"summary"`
	Blast       *blast                `json:"blast_radius,omitempty"`
	Drifted     *bool                 `json:"drifted,omitempty"`
	Drift       []driftNote           `json:"drift"`
	StateOnly   []stateChange         `json:"state_only"`
	Exclusive   []string              `json:"exclusive"`
	Unmanaged   []strangers           `json:"unmanaged"`
	Risks       []risk                `json:"risks"`
	Roles       map[string]int        `json:"roles"`
	Flags       neededFlags           `json:"flags"`
	Diagnostics []diag.JSONDiagnostic `json:"diagnostics"`
}

type summary struct {
	Create  int `json:"create"`
	Update  int `json:"update"`
	Replace int `json:"replace"`
	Delete  int `json:"delete"`
	Adopt   int `json:"adopt"`
	Forget  int `json:"forget"`
}

type blast struct {
	Removed int `json:"removed"`
	Owned   int `json:"owned"`
}

type driftNote struct {
	Address string   `json:"address"`
	Kind    string   `json:"kind"`
	Change  string   `json:"change"`
	Paths   []string `json:"paths,omitempty"`
	Reverts bool     `json:"reverts"`
	Note    string   `json:"note,omitempty"`
}

type stateChange struct {
	Address string `json:"address"`
	From    string `json:"from,omitempty"`
	Change  string `json:"change"`
	Path    string `json:"path,omitempty"`
	Text    string `json:"text,omitempty"`
}

type risk struct {
	Risk    string `json:"risk"`
	Address string `json:"address"`
	Note    string `json:"note,omitempty"`
}

func (f jsonFormat) extras(p *plan.Plan) extras {
	drifted := Drifted(p, f.options.Unmanaged)
	_, roles := rolesOf(p)
	out := extras{
		Summary: summary(p.Summary()), Drifted: &drifted, Drift: []driftNote{}, StateOnly: []stateChange{}, Exclusive: []string{},
		Unmanaged: strangersOf(p), Risks: []risk{}, Roles: roles, Flags: flagsOf(p), Diagnostics: f.findings(p),
	}
	if p.Blast != nil {
		out.Blast = (*blast)(p.Blast)
	}
	for i := range p.Drift {
		out.Drift = append(out.Drift, noteOf(&p.Drift[i]))
	}
	for _, c := range p.StateOnly {
		out.StateOnly = append(out.StateOnly, stateChange{string(c.Address), string(c.From), c.Kind, c.Path, c.Text})
	}
	for _, c := range driftOf(p).exclusive {
		out.Exclusive = append(out.Exclusive, string(c.Address))
	}
	order, found := risksOf(p)
	for _, r := range order {
		for _, e := range found[r] {
			out.Risks = append(out.Risks, risk{string(r), string(e.address), e.note})
		}
	}
	return out
}

func noteOf(d *plan.Drift) driftNote {
	n := driftNote{Address: string(d.Address), Kind: d.Kind, Change: "changed", Reverts: d.Reverts, Note: d.Note}
	if d.Deleted {
		n.Change = "deleted"
	}
	for i := range d.Diffs {
		n.Paths = append(n.Paths, d.Diffs[i].Path)
	}
	return n
}
