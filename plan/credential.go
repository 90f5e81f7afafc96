package plan

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// A credential is worth what its secret is worth to those who were given it. Atlas shows that once, so a credential
// whose secret reached nobody is revoked and made anew, and one whose secret is in use is never taken for another
// (R4, R33).

// undelivered reports whether the node's object is a credential of ours whose secret nobody was given.
func (n *node) undelivered() bool {
	if n.kind.Credential == nil || n.live == nil {
		return false
	}
	if n.bound == nil {
		return n.how == "intent"
	}
	return n.bound.Waiting == schema.Undelivered
}

// MadeFrom reports whether a creation that sent the given content can have made an object: a credential by what it
// is called until its secret is delivered, which names the creation; everything else by what was sent. What Atlas
// filled in besides does not count.
func MadeFrom(kind *schema.Kind, content, live cty.Value) bool {
	if kind.Credential == nil {
		return len(compare(kind, shown(kind, content), live)) == 0
	}
	sent, _ := content.GetAttr(kind.Credential.Provisional).Unmark()
	is, _ := live.GetAttr(kind.Credential.Provisional).Unmark()
	return sent.IsKnown() && !sent.IsNull() && is.IsKnown() && !is.IsNull() && sent.Equals(is).True()
}

// SecretFiles lists the files about which Build will ask of its facts: those that a secret may be written to.
func (p *Pairing) SecretFiles() []string {
	var out []string
	for _, n := range p.b.nodes {
		if n.desired == nil || n.kind.Credential == nil || !p.b.mayShow(n) {
			continue
		}
		if path, known := n.secretFile(); known && path != "" {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mayShow reports, before anything is decided, whether Atlas may be asked for a secret of a declared credential, or may
// have been asked by an apply that did not finish. A file of a secret that stays is nobody's business.
func (b *builder) mayShow(n *node) bool {
	return n.live == nil || n.bound == nil || n.undelivered() || b.willReplace(n) || b.mayMint(n) ||
		len(b.explains[n.address])+len(b.explains[n.recorded]) > 0
}

// secretFile returns the file that the node's secret goes to, "" where it goes to none.
func (n *node) secretFile() (path string, known bool) {
	v, _ := n.value.GetAttr(schema.SecretFile).Unmark()
	if !v.IsKnown() || v.IsNull() {
		return "", v.IsKnown()
	}
	return v.AsString(), true
}

// checkDelivery refuses to make a credential whose secret could not be handed over: that would cost it.
func (b *builder) checkDelivery(n *node) {
	path, known := n.secretFile()
	command, _ := n.value.GetAttr(schema.SecretCommand).Unmark()
	at := n.placeOf(schema.SecretFile)
	switch {
	case !known || !command.IsWhollyKnown():
		b.finding(n, at, "secret_nowhere", fmt.Sprintf("It is not known yet where the secret of %s goes", n.address),
			"Atlas shows it once, so its place must be known before. Write %s or %s without values that only the apply tells.", schema.SecretFile, schema.SecretCommand)
	case path == "" && (command.IsNull() || command.LengthInt() == 0):
		b.finding(n, at, "secret_nowhere", fmt.Sprintf("The secret of %s would go nowhere", n.address),
			`Atlas shows it once, when it is made. Say where it goes: %s = "path", or %s = ["program", "argument"], which takes it as JSON on its standard input.`,
			schema.SecretFile, schema.SecretCommand)
	case path != "" && !command.IsNull() && command.LengthInt() > 0:
		b.finding(n, at, "secret_twice", fmt.Sprintf("The secret of %s would go to two places", n.address),
			"If one of them failed, it would be unclear who has it. Write either %s or %s.", schema.SecretFile, schema.SecretCommand)
	case path != "":
		b.checkSecretFile(n, path)
	}
}

// checkSecretFile refuses to write over a file that is not that of a credential of ours (R33).
func (b *builder) checkSecretFile(n *node, path string) {
	for _, other := range b.nodes {
		if other == n || other.desired == nil || other.kind.Credential == nil {
			continue
		}
		if same, _ := other.secretFile(); same == path && other.address < n.address {
			b.finding(n, n.placeOf(schema.SecretFile), "secret_file_shared", fmt.Sprintf("%s and %s write to one file", other.address, n.address),
				"Both say %q, and the later would write over the secret of the earlier. Give each a file of its own.", path)
		}
	}
	held, there := b.in.SecretFiles[path]
	if !there || b.ours(n, held.ID) {
		return
	}
	b.finding(n, n.placeOf(schema.SecretFile), "secret_file_taken", fmt.Sprintf("%q exists, and is not ours to replace", path),
		"It does not hold the secret of a credential that this state knows. Move it away, or name another file in %s.", schema.SecretFile)
}

// ours reports whether an id is that of a credential of the node's kind that the state knows, or that an unfinished
// apply of ours made.
func (b *builder) ours(n *node, id string) bool {
	if id == "" {
		return false
	}
	if n.live != nil && n.live.ID == id {
		return true
	}
	for _, bound := range b.bounds {
		if bound.Kind == n.kind.Name && bound.ID == id {
			return true
		}
	}
	return false
}

// leftBehind makes nodes of credentials that an unfinished apply made for addresses which the files no longer
// declare. Nobody was given their secrets, so they go.
func (b *builder) leftBehind() {
	for _, address := range sortedKeys(b.explains) {
		if b.byAddr[address] != nil {
			continue
		}
		for _, i := range b.explains[address] {
			kind := b.in.Catalog.Kind(i.Kind)
			if kind == nil || kind.Credential == nil || i.Verb != schema.CallCreate || i.Bind == nil {
				continue
			}
			connection, _ := b.in.connection(i.Connection)
			n := &node{address: address, kind: kind, recorded: address, connection: connection, place: i.Place}
			made := b.madeBy(n, i) // one at most: it is called after the intent
			if len(made) == 0 || !b.claim(n, made[0], "intent") {
				continue
			}
			bound := *i.Bind
			bound.Address, bound.Place, bound.ID, bound.Waiting = address, i.Place, made[0].ID, schema.Undelivered
			n.bound = &bound
			b.nodes = append(b.nodes, n)
			b.byAddr[address] = n
		}
	}
}

// undeliveredReason is why an undelivered credential goes.
func undeliveredReason() Reason {
	return Reason{Code: "undelivered", Text: "an apply that was interrupted made it and nobody was given its secret"}
}

// harmless reports whether a change does not carry a risk because nobody can be using the credential.
func harmless(c *Change, risk schema.Risk) bool {
	return c.Undelivered && (risk == schema.Irreversible || risk == schema.Downtime)
}
