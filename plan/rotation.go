package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// # How a secret is replaced
//
// A credential with a Rotation can have several secrets, each with an end. The state knows the id of the one that was
// delivered, and the ids of those that are to be revoked. In time before its end another one is made, delivered, and
// only then the one before is revoked: whoever was given it goes on until then.
//
// A secret cannot be named, so what an apply made that was killed is known by not having been there before: the armed
// intent lists the secrets that were. It was not delivered as far as anybody knows, and is revoked. Where its block
// has a file, the file says whether it was, and it counts.
//
// Secrets that were made by others are nobody's business here. They expire by themselves.

// rotate plans what becomes of the secrets of a live credential.
func (b *builder) rotate(n *node) {
	c := n.change
	if n.kind.Credential == nil || n.kind.Credential.Rotation == nil || n.live == nil || c.Action != NoOp && c.Action != Update && c.Action != Adopt {
		return
	}
	live := n.kind.SecretsOf(n.live.Value)
	b.knownSecrets(n, live)
	reason := b.secretDue(n, live)
	stale := slices.Clone(c.Stale)
	if reason != nil {
		b.checkDelivery(n)
		n.minting = b.rotation(n, live)
		c.Reasons = append(c.Reasons, *reason)
	} else {
		n.minting = b.revocations(n, stale, "nobody is to use it any more")
	}
	if len(stale) > 0 {
		c.Reasons = append(c.Reasons, Reason{Code: "stale_secret",
			Text: "an apply that did not finish left a secret that nobody was given, or that was replaced: it is revoked"})
	}
	if len(n.minting) == 0 {
		return
	}
	if c.Action == NoOp {
		c.Action = Update
	}
	values := b.after(n).AsValueMap()
	secrets := n.kind.Credential.Rotation.Secrets
	values[secrets] = cty.UnknownVal(n.kind.Attribute(secrets).CtyType())
	c.After = cty.ObjectVal(values)
}

// knownSecrets works out which secret was delivered and which are to go, of those that there are.
func (b *builder) knownSecrets(n *node, live []schema.Secret) {
	c := n.change
	there := func(id string) bool {
		return slices.ContainsFunc(live, func(s schema.Secret) bool { return s.ID == id })
	}
	var stale []string
	for _, s := range live {
		if slices.Contains(c.Stale, s.ID) || b.mintedUnseen(n, s.ID) && s.ID != c.Secret {
			stale = append(stale, s.ID)
		}
	}
	if path, _ := n.secretFile(); path != "" {
		held := b.in.SecretFiles[path]
		if held.ID == n.live.ID && slices.Contains(stale, held.Secret) {
			stale = slices.DeleteFunc(stale, func(id string) bool { return id == held.Secret })
			if there(c.Secret) {
				stale = append(stale, c.Secret)
			}
			c.Secret = held.Secret
			b.stateOnly(n, "record", schema.SecretFile, "its new secret was delivered before the apply that made it was interrupted")
		}
	}
	if !slices.Equal(stale, c.Stale) {
		c.Record = true
	}
	if len(stale) == 0 && len(c.Stale) > 0 {
		b.stateOnly(n, "record", "", "a secret of it that was to be revoked is gone")
	}
	c.Stale = stale
}

// mintedUnseen reports whether an apply that did not finish may have made the secret: it was not there before.
func (b *builder) mintedUnseen(n *node, id string) bool {
	return slices.ContainsFunc(slices.Concat(b.explains[n.address], b.explains[n.recorded]), func(i schema.Intent) bool {
		return i.Verb == schema.CallMint && i.ObjectID == n.live.ID && !slices.Contains(i.Seen, id)
	})
}

// secretDue returns why another secret is to be made, nil where none is.
func (b *builder) secretDue(n *node, live []schema.Secret) *Reason {
	due := func(text string, args ...any) *Reason {
		return &Reason{Code: "rotation", Path: schema.RotateBefore, Text: fmt.Sprintf(text, args...)}
	}
	c := n.change
	before := n.kind.RotatesBefore(n.value)
	at := slices.IndexFunc(live, func(s schema.Secret) bool { return s.ID == c.Secret })
	switch {
	case c.Secret == "" && before > 0:
		return due("no secret of it was delivered from here yet")
	case c.Secret == "":
		return nil
	case at < 0 && before > 0:
		return due("the secret that was delivered is gone from Atlas")
	case at < 0:
		b.deadSecret(n, "is gone from Atlas")
		return nil
	}
	s := live[at]
	switch ends := s.Expires.UTC().Format(time.RFC3339); {
	case s.Expired(b.in.Now) && before > 0:
		return due("the secret that was delivered expired on %s", ends)
	case s.Expired(b.in.Now):
		b.deadSecret(n, "expired on "+ends)
		return nil
	case before > 0 && !s.Expires.IsZero() && !s.Expires.After(b.in.Now.Add(before)):
		return due("its secret expires on %s, less than %s from now", ends, shortTime(before))
	}
	return nil
}

// mayMint reports, before anything is decided, whether a bound credential may be given a new secret, or was given one
// of which the state does not know whether it was delivered.
func (b *builder) mayMint(n *node) bool {
	before := n.kind.RotatesBefore(n.full)
	if len(n.bound.Stale) > 0 || before == 0 {
		return len(n.bound.Stale) > 0
	}
	live := n.kind.SecretsOf(n.live.Value)
	at := slices.IndexFunc(live, func(s schema.Secret) bool { return s.ID == n.bound.Secret })
	return at < 0 || !live[at].Expires.IsZero() && !live[at].Expires.After(b.in.Now.Add(before))
}

// shortTime writes a length of time without the minutes and seconds that it does not have.
func shortTime(d time.Duration) string {
	text := d.String()
	for _, nothing := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, nothing) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// deadSecret warns of a credential that nobody can use any more, and that nothing replaces.
func (b *builder) deadSecret(n *node, how string) {
	b.diags.Add(diag.Warningf("secret_dead", fmt.Sprintf("The secret of %s %s", n.address, how),
		"Whoever was given it is locked out. Write %s, like \"720h\", to have it replaced now and in time from then on, or replace the whole:\n\n--replace %s",
		schema.RotateBefore, quoteShell(n.address)).On(string(n.address)).At(n.placeOf(schema.SecretFile)))
}

// rotation returns the calls that replace a secret. What serves nobody goes first, since Atlas keeps few; what was
// delivered before goes last.
func (b *builder) rotation(n *node, live []schema.Secret) []schema.Call {
	c, r := n.change, n.kind.Credential.Rotation
	calls := b.revocations(n, c.Stale, "nobody is to use it any more")
	left := slices.DeleteFunc(slices.Clone(live), func(s schema.Secret) bool { return slices.Contains(c.Stale, s.ID) })
	for _, s := range live {
		if dead := s.Expired(b.in.Now) && !slices.Contains(c.Stale, s.ID); dead && (s.ID == c.Secret || len(left) >= r.Most) {
			calls = append(calls, b.revocations(n, []string{s.ID}, "it has expired")...)
			left = slices.DeleteFunc(left, func(l schema.Secret) bool { return l.ID == s.ID })
		}
	}
	if len(left) >= r.Most {
		b.finding(n, n.placeOf(schema.RotateBefore), "secrets_full", fmt.Sprintf("%s has no room for another secret", n.address),
			"Atlas keeps %d of them, and it has %s, of which Mercator delivered at most one. Find out in Atlas who uses the others, and delete one there.",
			r.Most, idsOfSecrets(left))
	}
	calls = append(calls, schema.Call{Verb: schema.CallMint, Operation: r.Mint.Operation, Attributes: []string{r.Lasts}, Note: "it is delivered at once"})
	if slices.ContainsFunc(left, func(s schema.Secret) bool { return s.ID == c.Secret }) {
		calls = append(calls, b.revocations(n, []string{c.Secret}, "once the new one is delivered")...)
	}
	return calls
}

func idsOfSecrets(secrets []schema.Secret) string {
	var ids []string
	for _, s := range secrets {
		ids = append(ids, s.ID)
	}
	return strings.Join(ids, " and ")
}

// revocations returns the calls that delete secrets.
func (b *builder) revocations(n *node, ids []string, note string) []schema.Call {
	var calls []schema.Call
	for _, id := range ids {
		calls = append(calls, schema.Call{Verb: schema.CallRevoke, Operation: n.kind.Credential.Rotation.Revoke.Operation, Key: id, Note: note})
	}
	return calls
}

// lastRevocations returns what must be revoked before a deletion that leaves the credential in use. Of what others
// made, they may go on using it.
func (b *builder) lastRevocations(n *node) []schema.Call {
	if !n.outlives() || !n.undelivered() && (n.bound == nil || n.bound.Adopted) {
		return nil
	}
	var ids []string
	for _, s := range n.kind.SecretsOf(n.live.Value) {
		ids = append(ids, s.ID)
	}
	return b.revocations(n, ids, "it would outlive the deletion")
}

// outlives reports whether what is left of the node's object after its deletion can still be used.
func (n *node) outlives() bool { return n.kind.Credential != nil && n.kind.Credential.Outlives }

// Mints reports whether the change makes a new secret of a credential that stays.
func (c *Change) Mints() bool {
	return slices.ContainsFunc(c.Calls, func(call schema.Call) bool { return call.Verb == schema.CallMint })
}
