package schema

import (
	"cmp"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Credential says that an object of the kind is a credential, of which Atlas shows the secret in one answer only
// (R4, R33). It has no natural key: what it is called says nothing about who holds its secret, so it is found by
// its binding or by the intent of an apply that did not finish, and never adopted by content.
//
// Until its secret is delivered it carries the id of that intent in place of its Provisional argument, and the state
// keeps it as [Undelivered]. What is found so is revoked and made anew.
type Credential struct {
	// Public is the attribute that names the credential to who uses it, and Secret the one that Atlas shows once; with
	// a Rotation it is an attribute of each secret.
	Public, Secret string
	// Provisional is a text argument that the creation and an update take.
	Provisional string
	// Rotation is nil where the one secret lasts as long as the credential.
	Rotation *Rotation
	// Outlives says that what the kind's deletion leaves can still be used, by its secrets. They are revoked first.
	Outlives bool
}

// Rotation says that a credential has secrets that expire, and can have several at a time: a new one is made and
// delivered while the one before still serves, which is revoked only then.
type Rotation struct {
	// Secrets is the list of the secrets that there are. Its elements have an ID and the time at which it Expires.
	Secrets, ID, Expires string
	// Lasts is the argument with the hours for which a new secret is good, an Initial one.
	Lasts string
	// Most is how many there can be at a time, the expired ones included.
	Most int
	// Mint makes a secret and is answered with it. Revoke deletes the one whose id fills Param in its path.
	Mint, Revoke *Endpoint
	Param        string
}

// Undelivered is what the state says of a credential in [Bound.Waiting] as long as nobody was given its secret.
const Undelivered = "secret"

// The arguments that say where a secret goes which Atlas shows once. Every kind of credential has them.
const (
	// SecretFile names a file that the secret is written to.
	SecretFile = "secret_file"
	// SecretCommand is a command, as an argument vector, that takes the secret on its standard input.
	SecretCommand = "secret_command"
	// RotateBefore says how long before its end a secret is replaced, of kinds with a [Rotation].
	RotateBefore = "rotate_before"
)

// deliveries returns the attributes of SecretFile, SecretCommand and RotateBefore.
func deliveries(c *Credential) []Attribute {
	attrs := []Attribute{
		{Name: SecretFile, Type: TypeString, Virtual: true,
			Doc: "The file that the secret is written to when Atlas shows it, with mode 0600, as JSON. It replaces no file but that of a credential of this configuration, and goes when the credential is deleted. Either this or secret_command is needed."},
		{Name: SecretCommand, Type: TypeList, Of: TypeString, Virtual: true, Elem: Elem{Whole: true, Ordered: true},
			Doc: "The command that takes the secret as JSON on its standard input, as a list of the program and its arguments. It is run without a shell, has a minute, and may be run again with another secret."},
	}
	if c.Rotation != nil {
		attrs = append(attrs, Attribute{Name: RotateBefore, Type: TypeString, Virtual: true,
			Doc: "How long before its secret expires the credential gets a new one, like \"720h\". Every apply looks: a new secret is made and delivered, and the one before is revoked only then. So is one that has expired or was deleted by hand. Without it nothing is replaced."})
	}
	return attrs
}

// provisionally marks a text as standing in for what a credential will be called.
const provisionally = "mercator intent "

// ProvisionalText is what a credential is called until its secret is delivered.
func ProvisionalText(intent string) string { return provisionally + intent }

// Secret is one of the secrets of a credential with a [Rotation].
type Secret struct {
	ID string
	// Expires is when it ends, the zero time where Atlas does not say.
	Expires time.Time
}

// Expired reports whether the secret is of no use any more.
func (s Secret) Expired(now time.Time) bool { return !s.Expires.IsZero() && !s.Expires.After(now) }

// SecretsOf returns the secrets of a live credential, by id; none where the kind has no [Rotation].
func (k *Kind) SecretsOf(live cty.Value) []Secret {
	if k.Credential == nil || k.Credential.Rotation == nil || live == cty.NilVal || live.IsNull() {
		return nil
	}
	r := k.Credential.Rotation
	list, _ := live.GetAttr(r.Secrets).Unmark()
	if list.IsNull() || !list.IsKnown() {
		return nil
	}
	var out []Secret
	for _, el := range list.AsValueSlice() {
		id, _ := textOf(el.GetAttr(r.ID))
		s := Secret{ID: id}
		if text, ok := textOf(el.GetAttr(r.Expires)); ok {
			s.Expires, _ = Instant(text)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y Secret) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

// Shown takes the secret out of an answer to what made it, and returns the answer without it. id is that of the secret
// where the kind has a [Rotation]; the secret is null where the answer lacks it.
func (k *Kind) Shown(answer cty.Value) (secret cty.Value, id string, rest cty.Value) {
	c := k.Credential
	values := answer.AsValueMap()
	secret = cty.NullVal(cty.String)
	if c.Rotation == nil {
		secret, _ = values[c.Secret].Unmark()
		values[c.Secret] = cty.NullVal(cty.String)
		return secret, "", cty.ObjectVal(values)
	}
	list, _ := values[c.Rotation.Secrets].Unmark()
	if list.IsNull() || !list.IsKnown() || list.LengthInt() == 0 {
		return secret, "", answer
	}
	els := list.AsValueSlice()
	for i, el := range els {
		fields := el.AsValueMap()
		if shown, _ := fields[c.Secret].Unmark(); !shown.IsNull() {
			secret = shown
			id, _ = textOf(fields[c.Rotation.ID])
		}
		fields[c.Secret] = cty.NullVal(cty.String)
		els[i] = cty.ObjectVal(fields)
	}
	values[c.Rotation.Secrets] = cty.ListVal(els)
	return secret, id, cty.ObjectVal(values)
}

// RotatesBefore returns how long before its end a secret is to be replaced, 0 where the value does not ask for that.
func (k *Kind) RotatesBefore(desired cty.Value) time.Duration {
	if k.Credential == nil || k.Credential.Rotation == nil || desired.IsNull() || !desired.IsKnown() {
		return 0
	}
	text, ok := textOf(desired.GetAttr(RotateBefore))
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return d
}

// checkRotation refuses a rotate_before that is no time, or that every new secret would fall short of.
func (k *Kind) checkRotation(desired cty.Value) diag.List {
	bare, _ := desired.Unmark()
	if k.Credential == nil || k.Credential.Rotation == nil || bare.IsNull() || !bare.IsKnown() {
		return nil
	}
	text, ok := textOf(bare.GetAttr(RotateBefore))
	if !ok {
		return nil
	}
	before, err := time.ParseDuration(text)
	if err != nil || before <= 0 {
		return diag.List{diag.Errorf("bad_rotate_before", "rotate_before is no length of time",
			`It is %q. Write hours or minutes, like "720h" for thirty days.`, text).About(RotateBefore)}
	}
	lasts, _ := bare.GetAttr(k.Credential.Rotation.Lasts).Unmark()
	if !lasts.IsKnown() || lasts.IsNull() {
		return nil
	}
	hours, _ := lasts.AsBigFloat().Float64()
	if hours > 0 && before.Hours() >= hours {
		return diag.List{diag.Errorf("bad_rotate_before", "Every apply would replace the secret",
			"A new one is good for %s hours, and is to be replaced %s before its end: at once. Write a shorter time, mostly a tenth or a third of the other.",
			NumberText(lasts.AsBigFloat()), text).About(RotateBefore)}
	}
	return nil
}
