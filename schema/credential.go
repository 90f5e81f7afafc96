package schema

// Credential says that an object of the kind is a credential, of which Atlas shows the secret in one answer only
// (R4, R33). It has no natural key: what it is called says nothing about who holds its secret, so it is found by
// its binding or by the intent of an apply that did not finish, and never adopted by content.
//
// Until its secret is delivered it carries the id of that intent in place of its Provisional argument, and the state
// keeps it as [Undelivered]. What is found so is revoked and made anew.
type Credential struct {
	// Public is the attribute that names the credential to who uses it, and Secret the one that Atlas shows once.
	Public, Secret string
	// Provisional is a text argument that the creation and an update take.
	Provisional string
}

// Undelivered is what the state says of a credential in [Bound.Waiting] as long as nobody was given its secret.
const Undelivered = "secret"

// The arguments that say where a secret goes which Atlas shows once. Every kind of credential has them.
const (
	// SecretFile names a file that the secret is written to.
	SecretFile = "secret_file"
	// SecretCommand is a command, as an argument vector, that takes the secret on its standard input.
	SecretCommand = "secret_command"
)

// deliveries are the attributes of SecretFile and SecretCommand.
var deliveries = []Attribute{
	{Name: SecretFile, Type: TypeString, Virtual: true,
		Doc: "The file that the secret is written to when Atlas shows it, with mode 0600, as JSON. It replaces no file but that of a credential of this configuration. Either this or secret_command is needed."},
	{Name: SecretCommand, Type: TypeList, Of: TypeString, Virtual: true, Elem: Elem{Whole: true, Ordered: true},
		Doc: "The command that takes the secret as JSON on its standard input, as a list of the program and its arguments. It is run without a shell, has a minute, and may be run again with another secret."},
}

// provisionally marks a text as standing in for what a credential will be called.
const provisionally = "mercator intent "

// ProvisionalText is what a credential is called until its secret is delivered.
func ProvisionalText(intent string) string { return provisionally + intent }
