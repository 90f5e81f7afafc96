package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"mercator/schema"
	"mercator/schema/diag"
)

// Settings is the mercator block.
type Settings struct {
	// RequiredVersion is the constraint as written, "" where there is none.
	RequiredVersion string
	// State says where the state is kept.
	State State
	// Advice are the levels at which advice is given, by code; what is not in it has its own.
	Advice map[string]schema.Level
	Range  diag.Range
}

// State is the state block of the settings.
type State struct {
	// Type is the block's label; "local" where there is no block.
	Type string
	// Arguments are the block's arguments as texts (numbers and truth values as HCL writes them, objects as JSON).
	Arguments map[string]StateArgument
	Range     diag.Range
}

// StateArgument is one argument of a state block.
type StateArgument struct {
	Value string
	// Sensitive says that the value must not be shown.
	Sensitive bool
	Range     diag.Range
}

// connectionDecl is an atlas block until it is evaluated.
type connectionDecl struct {
	schema.Connection
	orgID, prefix *expr
}

func (l *loader) declareSettings(b *hcl.Block) {
	rng := rangeOf(b.DefRange)
	if l.declared.seen {
		l.add(duplicate("block", "mercator", rng, l.settings.Range))
		return
	}
	l.declared.seen = true
	l.settings = Settings{Range: rng, State: State{Type: "local"}}
	got := l.take(b.Body, shape{what: "the mercator block", args: []string{"required_version", "advice"}, blocks: map[string]labels{"state": {1, 1}}})
	if a := got.args["required_version"]; a != nil {
		l.settings.RequiredVersion = l.constantText(a)
		l.checkVersion(rangeOf(a.Expr.Range()))
	}
	if a := got.args["advice"]; a != nil {
		l.declareLevels(a)
	}
	for i, s := range got.blocks {
		at := rangeOf(s.DefRange)
		if i > 0 {
			l.add(duplicate("block", "state", at, l.settings.State.Range))
			continue
		}
		l.settings.State = State{Type: s.Labels[0], Range: at, Arguments: map[string]StateArgument{}}
		attrs, hd := s.Body.JustAttributes()
		for _, d := range hd {
			l.add(syntaxError(d))
		}
		l.declared.state = map[string]*expr{}
		for name, a := range attrs {
			l.declared.state[name] = l.expr(a.Expr, scope{early: true})
		}
	}
}

func (l *loader) checkVersion(at diag.Range) {
	c, err := parseConstraint(l.settings.RequiredVersion)
	if err != nil {
		l.add(diag.Errorf(codeInvalidSetting, "required_version is not a version constraint", "%s.", err).At(at))
		return
	}
	if l.options.Version == "" {
		return
	}
	if ok, err := c.allows(l.options.Version); err == nil && !ok {
		l.add(diag.Errorf(codeUnsupportedVersion, "The configuration needs another version of mercator",
			"It asks for %q and this is %s. Install a version that fits, or change required_version.",
			l.settings.RequiredVersion, l.options.Version).At(at))
	}
}

func (l *loader) declareConnection(b *hcl.Block) {
	c := &connectionDecl{Connection: schema.Connection{Range: rangeOf(b.DefRange)}}
	if len(b.Labels) > 0 {
		c.Name = b.Labels[0]
	}
	for _, old := range l.declared.connections {
		if old.Name == c.Name {
			l.add(duplicate("connection", orWord(c.Name, "(default)"), c.Range, old.Range))
			return
		}
	}
	got := l.take(b.Body, shape{what: "an atlas block", args: []string{"org_id", "credentials_prefix"}})
	if a := got.args["org_id"]; a != nil {
		c.orgID = l.expr(a.Expr, scope{early: true})
	}
	if a := got.args["credentials_prefix"]; a != nil {
		c.prefix = l.expr(a.Expr, scope{early: true})
	}
	l.declared.connections = append(l.declared.connections, c)
}

// evaluateSettings computes what must be known before anything else: it may use variables, locals and functions.
func (l *loader) evaluateSettings() {
	e := newEvaluation(l.Config, nil)
	l.validateVariables(e)
	for _, name := range sortedKeys(l.declared.state) {
		x := l.declared.state[name]
		if v, secret, ok := e.textBy(structured, x, name); ok {
			l.settings.State.Arguments[name] = StateArgument{Value: v, Sensitive: secret, Range: rangeOf(x.Range())}
		}
	}
	for _, c := range l.declared.connections {
		c.OrgID, _, _ = e.publicText(c.orgID, "org_id")
		c.CredentialsPrefix, _, _ = e.publicText(c.prefix, "credentials_prefix")
		l.connections = append(l.connections, c.Connection)
	}
	if len(l.connections) == 0 {
		l.connections = []schema.Connection{{}}
	}
	if l.settings.State.Type == "" {
		l.settings.State.Type = "local"
	}
	l.diags.Add(e.diags...)
}

// structured converts a value to a text; an object or a map becomes JSON.
func structured(v cty.Value) (cty.Value, error) {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return convert.Convert(v, cty.String)
	}
	text, err := ctyjson.Marshal(v, v.Type())
	return cty.StringVal(string(text)), err
}

// text evaluates an expression to a text that has to be known now; null and a missing expression give "".
func (e *Evaluation) text(x *expr, name string) (text string, secret, ok bool) {
	return e.textBy(func(v cty.Value) (cty.Value, error) { return convert.Convert(v, cty.String) }, x, name)
}

// textBy is text with a conversion of its own.
func (e *Evaluation) textBy(conversion func(cty.Value) (cty.Value, error), x *expr, name string) (text string, secret, ok bool) {
	if x == nil {
		return "", false, true
	}
	v, clean := e.eval(x, frame{})
	if !clean {
		return "", false, false
	}
	v, marks := v.UnmarkDeep()
	_, secret = marks[schema.Sensitive]
	if failedIn(marks) {
		return "", secret, false
	}
	if v.IsKnown() && v.IsNull() {
		return "", secret, true
	}
	converted, err := cty.NilVal, error(nil)
	if v.IsWhollyKnown() {
		converted, err = conversion(v)
	}
	switch {
	case !v.IsWhollyKnown():
		e.add(diag.Errorf(codeInvalidSetting, fmt.Sprintf("%q is not known yet", name),
			"It depends on what only Atlas can tell; settings and connections are needed before Atlas is asked.").At(rangeOf(x.Range())))
	case err != nil:
		e.add(diag.Errorf(codeInvalidSetting, fmt.Sprintf("%q is not a text", name),
			"Found %s; a text, a number or a truth value is expected.", describe(v, secret)).At(rangeOf(x.Range())))
	default:
		return converted.AsString(), secret, true
	}
	return "", secret, false
}

// publicText is text for values that are shown and stored.
func (e *Evaluation) publicText(x *expr, name string) (text string, secret, ok bool) {
	text, secret, ok = e.text(x, name)
	if secret {
		e.add(diag.Errorf(codeSensitiveKey, fmt.Sprintf("%q is sensitive", name),
			"It is shown and stored in clear. If it is no secret, write nonsensitive(...) around it.").At(rangeOf(x.Range())))
		return "", secret, false
	}
	return text, secret, ok
}

// connectionNames returns the labels of the atlas blocks.
func (c *Config) connectionNames() []string {
	var names []string
	for _, k := range c.connections {
		if k.Name != "" {
			names = append(names, k.Name)
		}
	}
	slices.Sort(names)
	return names
}
