package config_test

import (
	"strings"
	"testing"

	"mercator/schema"
	"mercator/schema/config"
)

// filters declares one kind, whose rule is a JSON document.
func filters(t *testing.T, text string) (string, *config.Evaluation) {
	t.Helper()
	c, err := schema.NewCatalog(schema.Kind{Name: "filter",
		Identity:   schema.Identity{Binds: schema.ByKey, Key: []string{"name"}, LabelIs: "name"},
		Attributes: []schema.Attribute{{Name: "name", Type: schema.TypeString, Required: true}, {Name: "rule", Type: schema.TypeJSON}}})
	if err != nil {
		t.Fatal(err)
	}
	loaded, diags := config.Load(write(t, map[string]string{"main.hcl": text}), config.Options{Catalog: c, Now: now,
		Environ: func(string) (string, bool) { return "canary", true }})
	e, more := loaded.Evaluate(nil)
	var found []string
	for _, d := range append(diags, more...) {
		found = append(found, d.Code+": "+d.Detail)
	}
	return strings.Join(found, "\n"), e
}

func TestDocuments(t *testing.T) {
	for expression, want := range map[string]string{
		`"{ \"a\": 1 }"`:                     `{ "a": 1 }`, // a text stays as it is written
		`jsonencode({ b = [1, null] })`:      `{"b":[1,null]}`,
		`{ b = [1, null], a = "x", c = {} }`: `{"a":"x","b":[1,null],"c":{}}`,
		`["a", { "param.db" = true }]`:       `["a",{"param.db":true}]`,
		`12.50`:                              `12.5`,
		`{ for k in ["x", "y"] : k => k }`:   `{"x":"x","y":"y"}`,
	} {
		found, e := filters(t, "filter \"f\" {\n rule = "+expression+"\n}")
		if found != "" {
			t.Errorf("%s: %s", expression, found)
			continue
		}
		if got := find(t, e, "filter.f").Value.GetAttr("rule"); got.AsString() != want {
			t.Errorf("%s becomes %s, want %s", expression, got.AsString(), want)
		}
	}
}

// What is secret anywhere in a document makes all of it secret, and is never part of a finding.
func TestSecretsInDocuments(t *testing.T) {
	found, e := filters(t, "filter \"f\" {\n rule = { token = [env(\"T\")] }\n}")
	rule := find(t, e, "filter.f").Value.GetAttr("rule")
	if text, _ := rule.Unmark(); found != "" || !rule.ContainsMarked() || text.AsString() != `{"token":["canary"]}` {
		t.Errorf("found %q; the rule is marked %t", found, rule.ContainsMarked())
	}
	found, _ = filters(t, "filter \"f\" {\n rule = env(\"T\")\n}")
	if !strings.HasPrefix(found, "wrong_type: Found a text.") || strings.Contains(found, "canary") {
		t.Errorf("of a secret that is no document it says %s", found)
	}
}

func TestWrongDocuments(t *testing.T) {
	for expression, want := range map[string]string{
		`"{'a': 1}"`: `wrong_type: Found the text "{'a': 1}": invalid character '\'' looking for beginning of object key string. Correct it, or write it without quotes, as { key = value }.`,
		`"{} {}"`:    `wrong_type: Found the text "{} {}": there is more after the first value. Correct it, or write it without quotes, as { key = value }.`,
		`1 / 0.0`:    "",
	} {
		found, _ := filters(t, "filter \"f\" {\n rule = "+expression+"\n}")
		if want != "" && found != want || found == "" {
			t.Errorf("%s:\n got %s\nwant %s", expression, found, want)
		}
	}
}
