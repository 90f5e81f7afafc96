package schema

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Networks says that each element of a list is an address or a block of addresses, in one of these two attributes.
// Atlas answers them in one spelling, so desired values are rewritten to it, each network once.
type Networks struct {
	Address, Block string
}

// CanonicalNetwork returns the one spelling of an address or a block: an address without /32 or /128, a block without
// host bits, IPv6 as RFC 5952 writes it (R15).
func CanonicalNetwork(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return "", fmt.Errorf("%q is no IP address or CIDR block; write it like 203.0.113.7, 10.20.0.0/16 or 2001:db8::/32", text)
		}
		return addr.Unmap().String(), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return "", fmt.Errorf("%q is no CIDR block; write it like 10.20.0.0/16 or 2001:db8::/32", text)
	}
	if prefix != prefix.Masked() {
		return "", fmt.Errorf("%q has bits set beyond its /%d; the block that holds this address is %s", text, prefix.Bits(), prefix.Masked())
	}
	if prefix.IsSingleIP() {
		return prefix.Addr().Unmap().String(), nil
	}
	return prefix.String(), nil
}

// withNetworks writes the elements of top-level lists of networks in their one spelling, each once.
func (k *Kind) withNetworks(v cty.Value) (cty.Value, diag.List) {
	bare, marks := v.Unmark()
	if bare.IsNull() || !bare.IsKnown() {
		return v, nil
	}
	var found diag.List
	var values map[string]cty.Value
	for i := range k.Attributes {
		a := &k.Attributes[i]
		if a.Networks == nil {
			continue
		}
		list, listMarks := bare.GetAttr(a.Name).Unmark()
		if !list.IsKnown() || list.IsNull() || list.LengthInt() == 0 {
			continue
		}
		networks, wrong := a.networks(list)
		found.Add(wrong...)
		if values == nil {
			values = bare.AsValueMap()
		}
		values[a.Name] = cty.ListVal(networks).WithMarks(listMarks)
	}
	if values == nil {
		return v, found
	}
	return cty.ObjectVal(values).WithMarks(marks), found
}

func (a *Attribute) networks(list cty.Value) (networks []cty.Value, found diag.List) {
	for i, el := range list.AsValueSlice() {
		canonical, err := a.Networks.canonical(el)
		if err != nil {
			found.Add(diag.Errorf("bad_address", a.Name+" has an entry that is no address", "%s.",
				diag.Sentence(err.Error())).About(fmt.Sprintf("%s[%d]", a.Name, i)))
		}
		if !slices.ContainsFunc(networks, canonical.RawEquals) {
			networks = append(networks, canonical)
		}
	}
	return networks, found
}

// canonical rewrites one element: a block of one address is that address.
func (n *Networks) canonical(el cty.Value) (cty.Value, error) {
	bare, marks := el.Unmark()
	if !bare.IsKnown() || bare.IsNull() {
		return el, nil
	}
	values := bare.AsValueMap()
	given, other := values[n.Address], values[n.Block]
	if _, set := textOf(given); !set {
		given, other = other, given
	}
	written, ok := textOf(given)
	if bareOther, _ := other.Unmark(); !ok || !bareOther.IsKnown() || !bareOther.IsNull() {
		return el, nil // not known yet, or refused for saying both
	}
	canonical, err := CanonicalNetwork(written)
	if err != nil {
		return el, err
	}
	_, textMarks := given.Unmark()
	values[n.Address], values[n.Block] = cty.NullVal(cty.String), cty.NullVal(cty.String)
	name := n.Address
	if strings.Contains(canonical, "/") {
		name = n.Block
	}
	values[name] = cty.StringVal(canonical).WithMarks(textMarks)
	return cty.ObjectVal(values).WithMarks(marks), nil
}
