package jsonschema

import (
	"fmt"
	"slices"

	"mercator/schema"
)

// topLevel are the blocks of a file.
func (w *writer) topLevel() members {
	m := w.declarations()
	for name, b := range w.relations() {
		m[name] = b
	}
	for _, name := range w.catalog.Names() {
		k := w.catalog.Kind(name)
		if w.defs[name] == nil {
			w.kind(k)
		}
		m[name] = member{labelled(w.outside(k)), k.Doc, false}
	}
	return m
}

// declarations are the blocks of settings and values.
func (w *writer) declarations() members {
	plain := ofType("string")
	constant := ofType("boolean")
	conditions := w.conditions()
	return members{
		"mercator": {blocks(w.define("-mercator", body(members{
			"required_version": {plain, `The versions of Mercator that the configuration is for, such as ">= 0.1".`, false},
			"advice":           {w.levels(), "At which level advice is given, by its code.", false},
			"state":            {labelled(ofType("object")), "Where the state is kept.", false},
		}))), "Settings of the whole configuration.", false},
		"atlas": {optional(w.define("-atlas", body(members{
			"org_id":             {ref(text), "The organization; MONGODB_ATLAS_ORG_ID where it is not set.", false},
			"credentials_prefix": {ref(text), "What precedes the names of the variables with the credentials.", false},
		}))), "The connection to an organization of Atlas.", false},
		"variable": {labelled(w.define("-variable", body(members{
			"type": {plain, "The type: string, number, bool, any, list(T), set(T), map(T), tuple([T, ...]) or " +
				"object({ name = T, other = optional(T, default) }).", false},
			"default":     {ref(anything), "The value where no other is given.", false},
			"description": {plain, "What the variable is for.", false},
			"sensitive":   {constant, "Whether the value is kept out of everything that is shown.", false},
			"nullable":    {constant, "Whether the value may be null.", false},
			"validation":  {conditions, "What has to hold of the value.", false},
		}))), "An input of the configuration.", false},
		"locals": {blocks(object{"type": "object", "additionalProperties": ref(anything)}), "Names for values.", false},
		"output": {labelled(w.define("-output", body(members{
			"value":        {ref(anything), "The value, which apply stores.", true},
			"description":  {plain, "What the output is.", false},
			"sensitive":    {constant, "Whether the value is neither shown nor stored.", false},
			"precondition": {conditions, "What has to hold for the output to be computed.", false},
		}))), "A result of the configuration.", false},
		"check": {labelled(w.define("-check", body(members{
			"assert": {conditions, "Warns where it does not hold.", true},
		}))), "What should be true of the whole.", false},
	}
}

// levels are the levels of all advice.
func (w *writer) levels() object {
	m := members{}
	for _, a := range w.catalog.Advice() {
		m[a.Code] = member{object{"enum": schema.Levels()}, a.Why, false}
	}
	return objectOf(m)
}

// accept are the reasons for which a block accepts advice.
func accept(advice []schema.Advice) object {
	m := members{}
	for _, a := range advice {
		m[a.Code] = member{object{"type": "string", "pattern": `\S`}, a.Why, false}
	}
	return objectOf(m)
}

// conditions are condition blocks of whatever name.
func (w *writer) conditions() object {
	return blocks(w.define("-condition", body(members{
		"condition":     {ref(truth), "What has to hold.", true},
		"error_message": {ref(text), "What is told where it does not hold.", true},
	})))
}

// relations are the blocks that say where resources come from and what became of them.
func (w *writer) relations() members {
	address := ofType("string")
	call := w.repetition(false)
	call["source"] = member{object{"type": "string", "pattern": `^\.{1,2}(/|$)`}, "The folder, as a path that starts with ./ or ../.", true}
	call["depends_on"] = member{ref(references), "What has to be done before.", false}
	module := body(call)
	module["additionalProperties"] = ref(anything) // the module's variables
	return members{
		"module": {labelled(w.define("-module", module)), "Calls a folder below the configuration's.", false},
		"data":   {blocks(w.define("-data", w.lookups())), "Reads what somebody else keeps.", false},
		"moved": {blocks(w.define("-moved", body(members{
			"from": {address, "The former address.", true},
			"to":   {address, "The address now.", true},
		}))), "Says that an object has another address now.", false},
		"removed": {blocks(w.define("-removed", body(members{
			"from":    {address, "The address that is no longer declared.", true},
			"destroy": {ref(truth), "Whether the object is deleted; otherwise it is forgotten.", false},
		}))), "Says that something is no longer declared on purpose.", false},
		"import": {blocks(w.define("-import", body(members{
			"to":       {address, "The address that the object gets.", true},
			"id":       {anyOf(ref(text), ofType("object")), "The id in Atlas, or an object with the natural key.", true},
			"for_each": {forEach(), "Repeats the block.", false},
		}))), "Takes an existing object over.", false},
	}
}

func forEach() object { return anyOf(ofType("object", "array"), ref(template)) }

// repetition are the arguments that repeat a block, which a singleton cannot be, and the connection's.
func (w *writer) repetition(singleton bool) members {
	m := members{"atlas": {ref(text), "The label of the atlas block that it belongs to.", false}}
	if !singleton {
		m["for_each"] = member{forEach(), "Repeats the block for each element of a map or a set, which is each.key and each.value.", false}
		m["count"] = member{ref(integer), "Repeats the block so many times; count.index tells them apart.", false}
	}
	return m
}

// lookups are the data blocks, by kind.
func (w *writer) lookups() object {
	m := members{}
	for _, name := range w.catalog.Names() {
		k := w.catalog.Kind(name)
		of := w.repetition(k.Singleton)
		for _, key := range k.Identity.Key {
			of[key] = member{ref(text), k.Attribute(key).Doc, false}
		}
		if k.Identity.ID != "" {
			of["id"] = member{ref(text), k.Attribute(k.Identity.ID).Doc, false}
		}
		within(k, of)
		m[name] = member{labelled(w.define(name+"-lookup", body(of))), k.Doc, false}
	}
	return body(m)
}

// within adds the parent of what stands outside of its parent's block.
func within(k *schema.Kind, m members) {
	if k.Parent != "" {
		m[k.Parent] = member{ofType("string"), fmt.Sprintf("The %s that it lives in: a resource, a lookup or an id.", k.Parent), true}
	}
}

// kind defines the body of a kind's block inside its parent's, and those of the blocks inside it.
func (w *writer) kind(k *schema.Kind) object {
	m := w.repetition(k.Singleton)
	m["depends_on"] = member{ref(references), "What has to be done before, as references.", false}
	m["lifecycle"] = member{w.lifecycle(), "How it may change.", false}
	m["timeouts"] = member{w.timeouts(), "How long Atlas may take.", false}
	m["accept"] = member{accept(k.AllAdvice()), "Advice that is not to be given, by its code, with the reason why that is right.", false}
	if k.Fan != nil {
		m[k.Fan.Argument] = member{entries(k), fmt.Sprintf("Each key is the %s of a resource of its own.", k.Fan.Key), true}
	} else {
		for name, a := range attributes(k.Attributes) {
			a.required = a.required && name != k.Identity.LabelIs
			m[name] = a
		}
	}
	var inside []string
	for _, c := range w.catalog.Children(k.Name) {
		if c.Singleton {
			m[c.Name] = member{blocks(w.kind(c)), c.Doc, false}
			continue
		}
		m[c.Name] = member{labelled(w.kind(c)), c.Doc, false}
	}
	for _, c := range w.catalog.Collections(k.Name) {
		inside = append(inside, c.Name)
	}
	if inside != nil {
		m["exclusive"] = member{object{"type": "array", "items": object{"enum": inside}},
			"Kinds of which nothing but what is declared may live in it: strangers are deleted.", false}
	}
	return w.define(k.Name, body(m))
}

func (w *writer) lifecycle() object {
	conditions := w.conditions()
	return blocks(w.define("-lifecycle", body(members{
		"prevent_destroy": {ref(truth), "Refuses deletion and replacement, also once the block is gone.", false},
		"destroy":         {ref(truth), "Whether the object is deleted once the block is gone; otherwise it is forgotten.", false},
		"snapshot_before": {anyOf(object{"type": "array", "items": anyOf(object{"enum": schema.GuardedSteps()}, ref(template))}, ref(template)), "Steps of a cluster before which a snapshot is taken and waited for.", false},
		"ignore_changes":  {anyOf(object{"const": "all"}, ref(references)), `Arguments that are written at creation only, or "all".`, false},
		"precondition":    {conditions, "What has to hold before anything is planned.", false},
		"postcondition":   {conditions, "What has to hold once it is applied.", false},
	})))
}

func (w *writer) timeouts() object {
	return blocks(w.define("-timeouts", body(members{
		"create": {ref(text), `How long a creation may take, such as "90m".`, false},
		"update": {ref(text), "How long an update may take.", false},
		"delete": {ref(text), "How long a deletion may take.", false},
	})))
}

// outside is the body of a kind's block at the top level, where it names its parent.
func (w *writer) outside(k *schema.Kind) object {
	if k.Parent == "" {
		return ref(k.Name)
	}
	inside := w.defs[k.Name].(object)
	required, _ := inside["required"].([]string)
	m := members{}
	for name := range inside["properties"].(object) {
		if name != "//" {
			m[name] = member{ref(k.Name + "/properties/" + name), "", slices.Contains(required, name)}
		}
	}
	within(k, m)
	return w.define(k.Name+"-outside", body(m))
}

// entries is the map of a fan: objects, or what is short for one.
func entries(k *schema.Kind) object {
	own := attributes(k.Attributes)
	delete(own, k.Fan.Key)
	entry := orTemplate(fields(own))
	if k.Fan.Short != "" {
		entry = anyOf(fields(own), value(k.Attribute(k.Fan.Short)))
	}
	return anyOf(object{"type": "object", "additionalProperties": entry}, ref(template))
}
