package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// checkAsked refuses to reset a singleton that something asks for by a value (Refer.Of) and that stays: Atlas refuses
// it when all else is done. What a file says nothing of goes on asking.
func (b *builder) checkAsked() {
	reset := map[parentID]*node{}
	for _, n := range b.nodes {
		if n.kind.Singleton && n.change.Action == Delete && n.change.GoesWith == "" {
			reset[n.beside(n.kind.Name)] = n
		}
	}
	if len(reset) == 0 {
		return
	}
	for _, n := range b.nodes {
		v := n.change.After
		if (v == cty.NilVal || v.IsNull()) && n.live != nil {
			v = n.live.Value // what is forgotten stays in Atlas
		}
		if n.change.Action == Delete || v == cty.NilVal || v.IsNull() {
			continue
		}
		for i := range n.kind.Attributes {
			if a := &n.kind.Attributes[i]; refersAnywhere(a) {
				b.checkAskedBy(n, a, v, reset)
			}
		}
	}
}

func (b *builder) checkAskedBy(n *node, a *schema.Attribute, v cty.Value, reset map[parentID]*node) {
	walkTexts(a, v.GetAttr(a.Name), func(leaf *schema.Attribute, text string, _ func(string) string) {
		for _, r := range leaf.Refers {
			needed := reset[n.beside(r.Kind)]
			if needed == nil || !asksFor(r, text) {
				continue
			}
			free := slices.DeleteFunc(slices.Clone(leaf.Enum), func(v string) bool { return asksFor(r, v) })
			b.finding(n, n.placeOf(a.Name), "still_asked_for", fmt.Sprintf("%s needs %s, which would be taken from it", n.address, needed.address),
				"Its %s is %s, and stays that where the file says nothing of it. Set it to %s, or keep %s.",
				leaf.Name, text, strings.Join(free, " or "), needed.address)
		}
	})
}
