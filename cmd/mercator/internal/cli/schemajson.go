package cli

import (
	"fmt"
	"slices"

	"mercator/schema"
)

// operationJSON is one call of the Administration API that a kind uses.
type operationJSON struct {
	Verb      string `json:"verb"`
	Operation string `json:"operation"`
	Method    string `json:"method"`
	Path      string `json:"path"`
	Version   string `json:"version"`
	Role      string `json:"role"`
}

func operationsOf(k *schema.Kind) []operationJSON {
	var out []operationJSON
	add := func(verb string, e *schema.Endpoint) {
		if e != nil {
			out = append(out, operationJSON{verb, e.Operation, e.Method, e.Path, e.Version, e.Role})
		}
	}
	add("list", k.Endpoints.List)
	add("get", k.Endpoints.Get)
	add("create", k.Endpoints.Create)
	add("update", k.Endpoints.Update)
	for _, e := range k.Endpoints.Partial {
		add("update", e)
	}
	for i := range k.Upgrades {
		add("upgrade", k.Upgrades[i].Call)
	}
	add("delete", k.Endpoints.Delete)
	if k.Validate != nil {
		add("validate", k.Validate.Endpoint)
	}
	for i := range k.Parts {
		add("read", k.Parts[i].Read)
		if m := k.Parts[i].Members; m != nil && m.Text != nil {
			add("read", m.Text.IDs)
		}
		for _, e := range k.Parts[i].Endpoints() {
			add("write", e)
		}
		if m := k.Parts[i].Members; m != nil && m.Text != nil {
			add("read", m.Text.IDs)
		}
	}
	if k.Credential != nil && k.Credential.Rotation != nil {
		add("mint", k.Credential.Rotation.Mint)
		add("revoke", k.Credential.Rotation.Revoke)
	}
	return out
}

// attributeJSON is an argument, or a field that Atlas decides about.
type attributeJSON struct {
	Name       string          `json:"name"`
	API        string          `json:"api"`
	Type       string          `json:"type"`
	Doc        string          `json:"doc,omitempty"`
	Computed   bool            `json:"computed,omitempty"`
	Required   bool            `json:"required,omitempty"`
	Immutable  bool            `json:"immutable,omitempty"`
	Secret     bool            `json:"secret,omitempty"`
	Enum       []string        `json:"enum,omitempty"`
	Min        *float64        `json:"min,omitempty"`
	Max        *float64        `json:"max,omitempty"`
	MaxLength  int             `json:"max_length,omitempty"`
	MinItems   int             `json:"min_items,omitempty"`
	Attributes []attributeJSON `json:"attributes,omitempty"`
}

func attributesJSON(attrs []schema.Attribute) []attributeJSON {
	out := make([]attributeJSON, 0, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		if a.Handle {
			continue
		}
		j := attributeJSON{Name: a.Name, API: a.API, Type: typeName(a), Doc: a.Doc, Computed: a.Owner == schema.Server,
			Required: a.Required, Immutable: a.Immutable, Secret: a.WriteOnly || a.OnceShown, Enum: a.Enum, Min: a.Min, Max: a.Max,
			MaxLength: a.MaxLen, MinItems: a.MinItems}
		if a.Nested != nil {
			j.Attributes = attributesJSON(a.Nested)
		}
		out = append(out, j)
	}
	return out
}

// schemaJSON is a kind.
type schemaJSON struct {
	Name       string          `json:"name"`
	Parent     string          `json:"parent,omitempty"`
	Doc        string          `json:"doc"`
	Singleton  bool            `json:"singleton,omitempty"`
	NaturalKey []string        `json:"natural_key"`
	Label      string          `json:"label_is,omitempty"`
	Entries    string          `json:"entries_argument,omitempty"`
	TimeLimit  string          `json:"time_limit,omitempty"`
	Attributes []attributeJSON `json:"attributes"`
	Operations []operationJSON `json:"operations"`
}

func kindJSON(k *schema.Kind) schemaJSON {
	out := schemaJSON{Name: k.Name, Parent: k.Parent, Doc: k.Doc, Singleton: k.Singleton, NaturalKey: slices.Clone(k.Identity.Key),
		Label: k.Identity.LabelIs, Attributes: attributesJSON(k.Attributes), Operations: operationsOf(k)}
	if out.NaturalKey == nil {
		out.NaturalKey = []string{}
	}
	if k.Fan != nil {
		out.Entries = k.Fan.Argument
	}
	if k.Settle != nil {
		out.TimeLimit = fmt.Sprint(k.Settle.Limit)
	}
	return out
}

func catalogJSON(catalog *schema.Catalog) map[string]schemaJSON {
	out := map[string]schemaJSON{}
	for _, name := range catalog.Names() {
		out[name] = kindJSON(catalog.Kind(name))
	}
	return out
}
