package schema_test

import (
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

var hall = schema.Kind{Name: "hall", Attributes: []schema.Attribute{
	{Name: "net", Type: schema.TypeString},
	{Name: "open", Type: schema.TypeBool},
	{Name: "size", Type: schema.TypeString, Enum: []string{"S", "L"}, Default: cty.StringVal("S")},
	{Name: "until", Type: schema.TypeTime},
	{Name: "tags", Type: schema.TypePairs},
	{Name: "key", Type: schema.TypeString, WriteOnly: true},
	{Name: "rows", Type: schema.TypeList, Nested: []schema.Attribute{
		{Name: "color", Type: schema.TypeString},
		{Name: "seat", Type: schema.TypeObject, Nested: []schema.Attribute{{Name: "soft", Type: schema.TypeBool}}},
	}},
}}

// TestJudge holds values against conditions: what is deserved, what is certain, and what is told of it.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	type conditions = []schema.Condition
	network := conditions{{Attribute: "net", Network: &schema.Prefixes{IPv4: [2]int{0, 15}, IPv6: [2]int{0, 47}}}}
	red := conditions{{Attribute: "color", Values: []string{"red"}}}
	soft := conditions{{Attribute: "seat", Some: conditions{{Attribute: "soft", Values: []string{"false"}, Unset: true}}}}
	unknown := cty.UnknownVal(cty.String)
	for name, c := range map[string]struct {
		when  conditions
		value map[string]any
		with  map[string]cty.Value
		// want is "yes", "no" or "perhaps"; found is what is told.
		want, found string
	}{
		"wide":                                  {network, map[string]any{"net": "8.0.0.0/8"}, nil, "yes", "net is 8.0.0.0/8"},
		"narrow":                                {network, map[string]any{"net": "203.0.113.0/24"}, nil, "no", ""},
		"the last that is wide":                 {network, map[string]any{"net": "52.0.0.0/15"}, nil, "yes", "net is 52.0.0.0/15"},
		"the first that is not":                 {network, map[string]any{"net": "52.0.0.0/16"}, nil, "no", ""},
		"private":                               {network, map[string]any{"net": "10.0.0.0/8"}, nil, "no", ""},
		"private, version 6":                    {network, map[string]any{"net": "fd00::/8"}, nil, "no", ""},
		"wide, version 6":                       {network, map[string]any{"net": "2001:db8::/32"}, nil, "yes", "net is 2001:db8::/32"},
		"an address":                            {network, map[string]any{"net": "8.8.8.8"}, nil, "no", ""},
		"no network":                            {network, map[string]any{"net": "sg-0123"}, nil, "no", ""},
		"no network set":                        {network, nil, nil, "no", ""},
		"unknown network":                       {network, nil, map[string]cty.Value{"net": unknown}, "perhaps", ""},
		"secret network":                        {network, nil, map[string]cty.Value{"net": cty.StringVal("0.0.0.0/0").Mark(schema.Sensitive)}, "yes", "net is sensitive"},
		"past":                                  {conditions{{Attribute: "until", Past: true}}, map[string]any{"until": "2026-03-01T12:00:00Z"}, nil, "yes", "until is 2026-03-01T12:00:00Z"},
		"future":                                {conditions{{Attribute: "until", Past: true}}, map[string]any{"until": "2026-03-01T12:00:01Z"}, nil, "no", ""},
		"no time":                               {conditions{{Attribute: "until", Past: true}}, map[string]any{"until": "soon"}, nil, "no", ""},
		"unset or false, unset":                 {conditions{{Attribute: "open", Values: []string{"false"}, Unset: true}}, nil, nil, "yes", "open is not set"},
		"unset or false, false":                 {conditions{{Attribute: "open", Values: []string{"false"}, Unset: true}}, map[string]any{"open": false}, nil, "yes", "open is false"},
		"unset or false, true":                  {conditions{{Attribute: "open", Values: []string{"false"}, Unset: true}}, map[string]any{"open": true}, nil, "no", ""},
		"no tags":                               {conditions{{Attribute: "tags", Unset: true}}, map[string]any{"tags": map[string]any{}}, nil, "yes", "tags is empty"},
		"tags":                                  {conditions{{Attribute: "tags", Unset: true}}, map[string]any{"tags": map[string]any{"a": "b"}}, nil, "no", ""},
		"the default":                           {conditions{{Attribute: "size", Values: []string{"s"}}}, nil, nil, "yes", "size is S"},
		"a value that is not known to the kind": {conditions{{Attribute: "size", Values: []string{"s"}}}, map[string]any{"size": "XXL"}, nil, "perhaps", ""},
		"some":                                  {conditions{{Attribute: "rows", Some: red}}, map[string]any{"rows": []any{map[string]any{"color": "blue"}, map[string]any{"color": "Red"}}}, nil, "yes", "rows[1].color is Red"},
		"none":                                  {conditions{{Attribute: "rows", Some: red}}, map[string]any{"rows": []any{map[string]any{"color": "blue"}}}, nil, "no", ""},
		"some of nothing":                       {conditions{{Attribute: "rows", Some: red}}, nil, nil, "no", ""},
		"every":                                 {conditions{{Attribute: "rows", Every: red}}, map[string]any{"rows": []any{map[string]any{"color": "red"}, map[string]any{"color": "red"}}}, nil, "yes", "rows[0].color is red"},
		"not every":                             {conditions{{Attribute: "rows", Every: red}}, map[string]any{"rows": []any{map[string]any{"color": "red"}, map[string]any{}}}, nil, "no", ""},
		"every of nothing":                      {conditions{{Attribute: "rows", Every: red}}, nil, nil, "yes", "rows is not set"},
		"inside an object":                      {conditions{{Attribute: "rows", Some: soft}}, map[string]any{"rows": []any{map[string]any{"seat": map[string]any{"soft": true}}, map[string]any{"seat": map[string]any{}}}}, nil, "yes", "rows[1].seat.soft is not set"},
		"inside no object":                      {conditions{{Attribute: "rows", Some: soft}}, map[string]any{"rows": []any{map[string]any{}}}, nil, "no", ""},
		"unknown list":                          {conditions{{Attribute: "rows", Every: red}}, nil, map[string]cty.Value{"rows": cty.UnknownVal(hall.Attribute("rows").CtyType())}, "perhaps", ""},
		"several, all":                          {append(network, schema.Condition{Attribute: "open", Values: []string{"true"}}), map[string]any{"net": "0.0.0.0/0", "open": true}, nil, "yes", "net is 0.0.0.0/0"},
		"several, one not":                      {append(network, schema.Condition{Attribute: "open", Values: []string{"true"}}), map[string]any{"net": "0.0.0.0/0"}, nil, "no", ""},
		"one unknown, another not":              {append(network, schema.Condition{Attribute: "open", Values: []string{"true"}}), map[string]any{"open": false}, map[string]cty.Value{"net": unknown}, "no", ""},
		"one unknown, another so":               {append(network, schema.Condition{Attribute: "open", Values: []string{"true"}}), map[string]any{"open": true}, map[string]cty.Value{"net": unknown}, "perhaps", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v, left := schema.Decode(hall.Attributes, c.value, schema.ByName)
			if len(left) > 0 {
				t.Fatalf("the test's value has %v", left)
			}
			values := v.AsValueMap()
			for name, x := range c.with {
				values[name] = x
			}
			verdict := hall.Judge(&schema.Advice{When: c.when}, cty.ObjectVal(values), now)
			got := map[bool]string{true: "yes", false: "no"}[verdict.Deserved]
			if !verdict.Certain {
				got = "perhaps"
			}
			if got != c.want || verdict.Certain != (c.want != "perhaps") {
				t.Errorf("got %s (%+v), want %s", got, verdict, c.want)
			}
			if verdict.Deserved && verdict.Found != c.found {
				t.Errorf("it tells %q, want %q", verdict.Found, c.found)
			}
		})
	}
}

// TestAdviceIsChecked: a description that speaks of what is not there is no description.
func TestAdviceIsChecked(t *testing.T) {
	whole := schema.Advice{Code: "c", Summary: "s", Why: "w", Mend: "m", When: []schema.Condition{{Attribute: "open"}}}
	for want, change := range map[string]func(*schema.Advice){
		"":                    func(*schema.Advice) {},
		"lacks code, summary": func(a *schema.Advice) { a.Mend = "" },
		`looks at "door"`:     func(a *schema.Advice) { a.When = []schema.Condition{{Attribute: "door"}} },
		`looks at "row"`: func(a *schema.Advice) {
			a.When = []schema.Condition{{Attribute: "rows", Some: []schema.Condition{{Attribute: "row"}}}}
		},
		"looks at the part net": func(a *schema.Advice) { a.When = []schema.Condition{{Attribute: "net"}} },
	} {
		k, a := hall, whole
		k.Identity.Binds = schema.ByKey
		k.Parts = []schema.Part{{Attribute: "net", Read: part, Write: part}}
		change(&a)
		k.Advice = []schema.Advice{a}
		_, err := schema.NewCatalog(k)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestOnlyAdviceLooksInside: whether an argument is allowed follows from values alone.
func TestOnlyAdviceLooksInside(t *testing.T) {
	k := hall
	k.Identity.Binds = schema.ByKey
	k.Attributes = append([]schema.Attribute{{Name: "extra", Type: schema.TypeString, AllowedWhen: []schema.Condition{{Attribute: "until", Past: true}}}}, hall.Attributes...)
	if _, err := schema.NewCatalog(k); err == nil || !strings.Contains(err.Error(), "which only advice can") {
		t.Errorf("got %v", err)
	}
}

var part = &schema.Endpoint{Operation: "o", Method: "GET", Path: "/api/atlas/v2/halls", Version: "2024-01-01", Role: "r"}

func TestCatalogAdvice(t *testing.T) {
	a := schema.Kind{Name: "a", Identity: schema.Identity{Binds: schema.ByKey}, Attributes: []schema.Attribute{{Name: "x", Type: schema.TypeTime, Within: &schema.Horizon{}}}}
	b := a
	b.Name = "b"
	c, err := schema.NewCatalog(a, b)
	if err != nil {
		t.Fatal(err)
	}
	sentences := map[string]string{}
	for _, a := range c.Advice() {
		sentences[a.Code] = a.Sentence()
	}
	if len(sentences) != 4 || sentences["expired"] != "A resource has expired" || sentences["unused_variable"] != "A variable is not used" {
		t.Errorf("got %v", sentences)
	}
}
