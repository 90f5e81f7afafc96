package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mercator/schema"
	"mercator/schema/config"
)

// indexPage leads to the other pages, and says what holds for all kinds.
func indexPage(catalog *schema.Catalog) string {
	d := &document{}
	d.heading(1, "Reference")
	d.printf("The kinds of resources that a configuration can declare, those that live in another below it.\n\n")
	var walk func(parent, lead string)
	walk = func(parent, lead string) {
		for _, k := range catalog.Children(parent) {
			d.printf("%s- %s: %s\n", lead, kindLink(k.Name), markdown(k.Doc))
			walk(k.Name, lead+"  ")
		}
	}
	walk("", "")
	d.printf("\nExpressions can call the [functions](functions.md). What works and is regretted gets [advice](advice.md).\n")
	d.heading(2, "Arguments of all resources")
	for _, a := range []struct{ name, text string }{
		{"for_each", "a map, or a set of texts: one instance for each element, which is `each.key` and `each.value`"},
		{"count", "a number: so many instances, told apart by `count.index`"},
		{"depends_on", "a list of references to what has to be done before, where no argument refers to it"},
		{"atlas", "the label of the `atlas` block, which is the organization that it belongs to"},
		{"lifecycle", "a block: `prevent_destroy`, `destroy = false` to leave the object in Atlas once the block is gone, `snapshot_before = [\"delete\", \"replace\", " +
			"\"version_upgrade\"]` to have a snapshot of a cluster taken and waited for before that is done, `ignore_changes` " +
			"for arguments that are written at creation only, `precondition` and `postcondition`"},
		{"timeouts", fmt.Sprintf("a block: `create`, `update` and `delete`, as durations such as \"90m\"; %s unless the kind's page says otherwise",
			hours(schema.DefaultLimit))},
		{"accept", "an object of literal texts: [advice](advice.md) that is not to be given, each with the reason"},
		{"exclusive", "in a block that others live in, a list of kinds: what is there and not declared is deleted"},
	} {
		d.printf("- `%s`: %s.\n", a.name, a.text)
	}
	d.printf("\nAn argument that is not set is not managed. What exists once in its parent takes neither a label nor `for_each` and `count`.\n")
	d.heading(2, "Editors")
	d.printf("`mercator schema --json-schema > mercator.schema.json` writes a JSON Schema, by which editors complete and check configurations " +
		"in JSON syntax. In the settings of Visual Studio Code:\n\n")
	d.code("json", `"json.schemas": [{ "fileMatch": ["*.hcl.json"], "url": "./mercator.schema.json" }]`)
	return d.String()
}

// hours writes a duration of whole minutes or hours for people.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/time.Minute), "minute")
}

// functionsPage is the reference of all functions, by group.
func functionsPage(functions []config.Manual, absent []config.Function) string {
	d := &document{}
	d.heading(1, "Functions")
	d.printf("What a function makes of a sensitive value is sensitive, and of an unknown one unknown. A parameter without a type takes any " +
		"value; one with three dots can be repeated. In the examples `greeting.txt` holds \"hello\" and a newline, and `hello.tpl` holds " +
		"\"Hello, ${name}!\".\n")
	var groups []string
	by := map[string][]config.Manual{}
	for _, f := range functions {
		if by[f.Group] == nil {
			groups = append(groups, f.Group)
		}
		by[f.Group] = append(by[f.Group], f)
	}
	for _, group := range groups {
		d.heading(2, capital(group))
		slices.SortFunc(by[group], func(a, b config.Manual) int { return strings.Compare(a.Name, b.Name) })
		for _, f := range by[group] {
			d.heading(3, f.Name)
			d.printf("%s\n\n%s For example, %s gives %s.\n", verbatim(f.Signature), markdown(f.Description), verbatim(f.Example), verbatim(f.Result))
		}
	}
	d.heading(2, "Not offered")
	for _, f := range absent {
		d.printf("- `%s`: %s\n", f.Name, markdown(f.Description))
	}
	return d.String()
}

// advicePage is the reference of all advice, by code.
func advicePage(advice []schema.AdviceOf) string {
	d := &document{}
	d.heading(1, "Advice")
	d.printf("Validation and plans warn of what works and is regretted. It is judged by what is declared, and in a plan also by what is live: " +
		"an argument that the files leave out of an object that exists counts as Atlas has it. What is not known yet deserves nothing.\n\n" +
		"The settings choose, for each code, whether it is given as an error, as a warning, or not at all:\n\n")
	d.code("hcl", "mercator {\n  advice = {\n    open_to_the_world = \"error\"\n    unscoped_user     = \"off\"\n  }\n}")
	d.printf("\nA block accepts advice for all resources that it makes, and says why. A reason that nothing needs any more is told too.\n\n")
	d.code("hcl", "access_list \"fair\" {\n  entries = { \"0.0.0.0/0\" = \"Visitors\" }\n  accept  = { open_to_the_world = \"one day, with data that is made up\" }\n}")
	for i := range advice {
		a := &advice[i]
		d.heading(2, a.Code)
		d.printf("%s. %s\n\n%s\n\n", markdown(a.Sentence()), markdown(a.Why), markdown(a.Mend))
		about := "the files"
		if len(a.Kinds) > 0 {
			about = list(links(a.Kinds))
		}
		d.printf("It is about %s, and %s where the settings say nothing.\n", about, levelWords[a.LevelOf(nil)])
	}
	return d.String()
}

// levelWords say what a level makes of advice.
var levelWords = map[schema.Level]string{
	schema.AdviceError: "an error", schema.AdviceWarning: "a warning", schema.AdviceOff: "not given",
}

func links(kinds []string) []string {
	out := make([]string, len(kinds))
	for i, name := range kinds {
		out[i] = kindLink(name)
	}
	return out
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
