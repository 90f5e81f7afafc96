package plan

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// risks evaluates the kind's risk rules (R41), names the roles that the calls need, and says which flag the
// change needs where no human answers (R30).
func (b *builder) risks() {
	for _, n := range b.nodes {
		c := n.change
		if !c.Writes() && c.GoesWith == "" {
			continue
		}
		for i := range n.kind.Risks {
			rule := &n.kind.Risks[i]
			if c.HasRisk(rule.Risk) || harmless(c, rule.Risk) || !b.carries(n, rule) {
				continue
			}
			note := b.riskNote(n, rule.Risk)
			if rule.InUse {
				if note = b.handNote(n); note == "" {
					continue
				}
			}
			c.Risks = append(c.Risks, RiskNote{rule.Risk, note})
		}
		if c.Exclusive && !c.HasRisk(schema.Irreversible) {
			c.Risks = append(c.Risks, RiskNote{schema.Irreversible, "not declared, and its kind is exclusive"})
		}
		if c.Action == Replace && !c.CreateFirst && !c.HasRisk(schema.Downtime) && !harmless(c, schema.Downtime) {
			c.Risks = append(c.Risks, RiskNote{schema.Downtime, "it is deleted before it is made again"})
		}
		c.Roles = b.roles(n.kind, slices.Concat(c.Calls, c.Removal))
		c.NeedsAllow = needsAllow(c)
	}
}

// roles returns the roles that calls need: those of their endpoints, and of partial endpoints that change one of
// the same attributes, for which Atlas may ask more whatever else a call carries.
func (b *builder) roles(kind *schema.Kind, calls []schema.Call) []string {
	var out []string
	for _, call := range calls {
		if call.Verb == schema.CallCopy {
			out = append(out, b.in.Catalog.Kind(call.Kind).Endpoints.Create.Role)
		}
		if e := kind.Endpoint(call.Operation); e != nil {
			out = append(out, e.Role)
		}
		if call.Verb == schema.CallPart {
			for _, e := range kind.Part(call.Attributes[0]).Endpoints() {
				out = append(out, e.Role)
			}
		}
		for _, p := range kind.Endpoints.Partial {
			if call.Verb == schema.CallUpdate && slices.ContainsFunc(p.Only, func(name string) bool { return slices.Contains(call.Attributes, name) }) {
				out = append(out, p.Role)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *Change) HasRisk(risk schema.Risk) bool {
	return slices.ContainsFunc(c.Risks, func(r RiskNote) bool { return r.Risk == risk })
}

func needsAllow(c *Change) string {
	switch {
	case c.GoesWith != "":
		return ""
	case c.HasRisk(schema.Irreversible) || c.HasRisk(schema.LocksOut):
		return "allow-destroy"
	case c.Action == Adopt && (len(c.Secrets) > 0 || c.HasRisk(schema.Billable) || c.HasRisk(schema.Downtime) ||
		c.HasRisk(schema.GrantsAccess) || c.HasRisk(schema.OpensNetwork)):
		return "allow-adopt"
	}
	return ""
}

func (b *builder) carries(n *node, rule *schema.RiskRule) bool {
	c := n.change
	if rule.Attribute == "" {
		return slices.ContainsFunc(rule.On, func(e schema.Event) bool {
			switch e {
			case schema.OnCreate:
				return c.Action == Create || c.Action == Replace
			case schema.OnDelete:
				return c.Action == Delete || c.Action == Replace
			case schema.OnUpgrade:
				return n.upgrade != nil && c.Waiting == ""
			case schema.OnMint:
				return c.Mints()
			default:
				return c.Action == Replace
			}
		})
	}
	if c.Action == Create || c.Action == Replace {
		return rule.When != schema.Altered && trendAt(n.kind.Attributes, strings.Split(rule.Attribute, "."), n.value, rule)
	}
	a := schema.FindPath(n.kind.Attributes, rule.Attribute)
	return slices.ContainsFunc(c.Diffs, func(d Diff) bool {
		path := plainPath(d.Path)
		rest, inside := strings.CutPrefix(rule.Attribute, path+".")
		switch {
		case path == rule.Attribute:
			return trend(a, rule, d)
		case inside && d.Op == DiffAdd && d.New != cty.NilVal:
			return trendAt(schema.FindPath(n.kind.Attributes, path).Nested, strings.Split(rest, "."), d.New, rule)
		default:
			return rule.When == schema.Changed && strings.HasPrefix(path, rule.Attribute+".")
		}
	})
}

// trend reports whether a difference of the rule's own attribute is of the kind that the rule speaks of. What is
// not known yet is taken for the worse.
func trend(a *schema.Attribute, rule *schema.RiskRule, d Diff) bool {
	if d.New != cty.NilVal && !among(rule, d.New) {
		return false
	}
	switch rule.When {
	case schema.Added:
		return d.Op == DiffAdd || d.Sensitive || d.New != cty.NilVal && !d.New.IsKnown()
	case schema.TurnedOn:
		return turnsOn(d.New)
	case schema.Raised:
		return raised(a, d.Old, d.New)
	case schema.Altered:
		return d.Op != DiffAdd
	default:
		return true
	}
}

func among(rule *schema.RiskRule, v cty.Value) bool {
	if len(rule.Of) == 0 {
		return true
	}
	v, _ = v.Unmark()
	return !v.IsKnown() || v.Type() != cty.String ||
		!v.IsNull() && slices.ContainsFunc(rule.Of, func(s string) bool { return strings.EqualFold(s, v.AsString()) })
}

func turnsOn(v cty.Value) bool {
	if v == cty.NilVal {
		return false
	}
	v, _ = v.Unmark()
	return !v.IsKnown() || !v.IsNull() && v.Type() == cty.Bool && v.True()
}

func raised(a *schema.Attribute, old, now cty.Value) bool {
	if now == cty.NilVal || old == cty.NilVal || !now.IsKnown() || old.IsNull() {
		return true
	}
	if now.IsNull() {
		return false
	}
	if now.Type() == cty.Number {
		return now.AsBigFloat().Cmp(old.AsBigFloat()) > 0
	}
	rank := func(v cty.Value) int {
		return slices.IndexFunc(a.Enum, func(s string) bool { return strings.EqualFold(s, v.AsString()) })
	}
	return rank(now) < 0 || rank(now) > rank(old)
}

// trendAt reports whether a new value holds anything at the path that carries the risk.
func trendAt(attrs []schema.Attribute, path []string, v cty.Value, rule *schema.RiskRule) bool {
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return true
	}
	if v.IsNull() {
		return false
	}
	if v.Type().IsListType() {
		return slices.ContainsFunc(v.AsValueSlice(), func(el cty.Value) bool { return trendAt(attrs, path, el, rule) })
	}
	a := schema.Find(attrs, path[0])
	if a == nil { // a name with dots
		a, path = schema.Find(attrs, strings.Join(path, ".")), []string{strings.Join(path, ".")}
	}
	if a == nil || !v.Type().IsObjectType() {
		return false
	}
	field, _ := v.GetAttr(a.Name).Unmark()
	if len(path) > 1 {
		return trendAt(a.Nested, path[1:], field, rule)
	}
	switch {
	case !field.IsKnown():
		return true
	case field.IsNull():
		return false
	case rule.When == schema.TurnedOn:
		return turnsOn(field)
	case field.CanIterateElements():
		return field.LengthInt() > 0
	case field.Type() == cty.Number && rule.When == schema.Raised:
		return field.AsBigFloat().Sign() > 0
	default:
		return among(rule, field)
	}
}

// riskNote says more about a risk where the change tells more.
func (b *builder) riskNote(n *node, risk schema.Risk) string {
	c := n.change
	if risk == schema.Irreversible && n.kind.Lasting != "" {
		return n.kind.Lasting
	}
	if risk == schema.Irreversible {
		return b.overwriteNote(n)
	}
	if risk != schema.OpensNetwork {
		return ""
	}
	last := c.Address.Last()
	if len(last.Keys) == 0 {
		return ""
	}
	key := last.Keys[len(last.Keys)-1].Text
	if prefix, err := netip.ParsePrefix(key); err == nil {
		bits := prefix.Addr().BitLen() - prefix.Bits()
		note := fmt.Sprintf("%s addresses", thousands(new(big.Int).Lsh(big.NewInt(1), uint(bits))))
		if prefix.Bits() == 0 {
			note += ", the whole internet"
		}
		return note
	}
	if _, err := netip.ParseAddr(key); err == nil {
		return "1 address"
	}
	return ""
}

func thousands(n *big.Int) string {
	digits := n.String()
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}
