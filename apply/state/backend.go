package state

import "mercator/schema"

// Backend is a kind of store that a configuration can name: state "NAME" { ... }. Each lives in a sub-package and
// exports its own; the command line offers them and gathers what they ask for.
type Backend struct {
	// Name is the label of the state block.
	Name string
	// Arguments are all that the block, --state-config and the environment may set.
	Arguments []Argument
	// Open returns the store that the settings describe, or an error that says which setting is wrong and what
	// would be right. It reads, writes and connects to nothing yet.
	Open func(Settings) (Store, error)
}

// Argument is one setting of a backend.
type Argument struct {
	// Name is what the block and --state-config call it.
	Name string
	// Environment are variables that are asked in this order where neither a flag nor the file sets it.
	Environment []string
	Required    bool
	// Sensitive says that the value is never shown.
	Sensitive bool
	// Help says in one line what it is, with its default.
	Help string
}

// Settings are what a backend is opened with.
type Settings struct {
	// Values holds the arguments that are set, by name, as texts.
	Values map[string]string
	// Dir is the configuration's folder, from which relative paths start.
	Dir     string
	Catalog *schema.Catalog
	Clock   Clock
	// Version is Mercator's, for a client that introduces itself.
	Version string
}
