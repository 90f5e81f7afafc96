package plan

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Input is everything that a plan is made of.
type Input struct {
	Catalog *schema.Catalog
	Now     time.Time
	Desired schema.Desired
	Live    *schema.Live
	Prior   Prior
	// Places are the places of the connections' organizations, by connection name ("orgId=…").
	Places map[string]schema.Place
	// Connections are the connections in use.
	Connections map[string]Connection
	Facts
	Options Options
}

// Facts are what a plan has to know that neither files nor state nor Atlas say. They are found out before it is made.
type Facts struct {
	// SecretMatches reports whether a secret is the one behind a recorded hash (hashing is slow); nil means that no
	// secret is compared, as in drift.
	SecretMatches func(hash, secret string) bool
	// SecretFiles says whose secrets lie in the files that exist among those that [Pairing.SecretFiles] asks about.
	SecretFiles map[string]HeldSecret
	// InUse names, by connection, the credential with which the calls are made: what [schema.Credential.Public] holds of
	// it. It has those that [Pairing.AsksInUse] asks about and that are known.
	InUse map[string]string
}

// HeldSecret says whose secret a file holds. It is zero for a file that holds something else.
type HeldSecret struct {
	// ID is the credential's, and Secret that of the secret, of a credential that can have several.
	ID, Secret string
}

// Prior is what the state remembers.
type Prior struct {
	Lineage     string
	Serial      uint64
	Connections map[string]Connection
	Resources   map[schema.Address]*schema.Bound
	Outputs     map[string]PriorOutput
	// Intents are those of an apply that did not finish.
	Intents []schema.Intent
}

// PriorOutput is an output as last applied; of a sensitive one only the name is remembered (R40).
type PriorOutput struct {
	Value     cty.Value
	Sensitive bool
}

// Options are what the user asked of the command.
type Options struct {
	// Destroy plans the removal of all that the state owns.
	Destroy bool
	// Targets and Excludes limit the plan; both are addresses of instances, blocks or parents.
	Targets, Excludes []schema.Address
	// Replace asks for replacement.
	Replace []schema.Address
	// NoAdopt makes an adoption an error.
	NoAdopt bool
	// SkipSecrets says that no secret is verified against its hash, as in drift (R20).
	SkipSecrets bool
	// SkipAdvice says that no advice is given, as in drift.
	SkipAdvice bool
	// AllowDestroy and AllowAdopt are addresses, or "all" (R30).
	AllowDestroy, AllowAdopt []string
}
