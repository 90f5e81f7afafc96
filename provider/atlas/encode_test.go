package atlas

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

// sent is what the server got.
type sent struct {
	method, uri, accept, contentType, agent string
	body                                    any
}

func recorder(t *testing.T, status int, answer string) (*lab, *sent) {
	t.Helper()
	got := &sent{}
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		*got = sent{r.Method, r.RequestURI, r.Header.Get("Accept"), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), nil}
		if len(text) > 0 {
			if err := json.Unmarshal(text, &got.body); err != nil {
				t.Errorf("body %q: %v", text, err)
			}
		}
		answerJSON(w, status, answer)
	})
	return l, got
}

func TestWriteBodies(t *testing.T) {
	catalog := toys(t)
	box, label, pen := catalog.Kind("box"), catalog.Kind("label"), catalog.Kind("pen")
	hook := func(id, url, secret string) cty.Value {
		v := map[string]cty.Value{"made": str("2026-01-01T00:00:00Z")}
		for name, text := range map[string]string{"hook_id": id, "url": url, "secret": secret} {
			if text != "" {
				v[name] = str(text)
			}
		}
		return with(box.Attribute("hooks").Nested, v)
	}
	full := with(box.Attributes, map[string]cty.Value{
		"id": str("b1"), "name": str("red"), "owner": str("u 1"), "size_gb": cty.MustParseNumberVal("12345678901234567890.5"),
		"password": secret("correct horse"), "state": str("IDLE"), "keep_backups": cty.True, "short": str("s"), "paused": cty.True,
		"tags":  cty.MapVal(map[string]cty.Value{"team": str("a")}),
		"hooks": cty.ListVal([]cty.Value{hook("h1", "https://x", ""), hook("", "https://y", "sesame")}),
		"lid":   with(box.Attribute("lid").Nested, map[string]cty.Value{"open": cty.True}),
		"flags": cty.MapVal(map[string]cty.Value{"atlas.max": cty.NumberIntVal(7)}),
	})
	one := boxRef(box, "d0..d/red 1")
	member := func(operation string, set map[string]cty.Value) provider.Write {
		return provider.Write{Ref: one, Endpoint: box.Endpoint(operation), Part: box.Part("keepers"), Member: with(box.Attribute("keepers").Nested, set)}
	}
	for _, tc := range []struct {
		name  string
		write provider.Write
		call  string
		body  string
	}{
		{"creation with all", provider.Write{Ref: provider.Ref{Kind: box, Place: place}, Endpoint: box.Endpoints.Create, Bodies: []cty.Value{full}},
			"POST /api/atlas/v2/groups/g1/boxes?ownerId=u+1",
			`{"name":"red","sizeGB":12345678901234567890.5,"password":"correct horse","tags":[{"key":"team","value":"a"}],
			  "hooks":[{"hookId":"h1","url":"https://x"},{"url":"https://y","secret":"sesame"}],"groupId":"g1"}`},
		{"update with some", provider.Write{Ref: one, Endpoint: box.Endpoints.Update, Bodies: []cty.Value{full}, Attributes: []string{"size_gb", "name", "paused", "state", "lid"}},
			"PATCH /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201",
			`{"sizeGB":12345678901234567890.5,"paused":true,"groupId":"g1"}`},
		{"deletion", provider.Write{Ref: one, Endpoint: box.Endpoints.Delete, Query: map[string][]string{"retainBackups": {"true"}}},
			"DELETE /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201?retainBackups=true", ``},
		{"batch", provider.Write{Ref: provider.Ref{Kind: label, Place: place}, Endpoint: label.Endpoints.Create, Bodies: []cty.Value{
			with(label.Attributes, map[string]cty.Value{"text": str("x")}), with(label.Attributes, map[string]cty.Value{"text": str("y"), "note": str("")})}},
			"POST /api/atlas/v2/groups/g1/labels", `[{"text":"x"},{"text":"y","note":""}]`},
		{"a deletion that is a change", provider.Write{Ref: provider.Ref{Kind: catalog.Kind("policy"), Place: place}, Endpoint: catalog.Kind("policy").Endpoints.Delete},
			"PATCH /api/atlas/v2/groups/g1/policy", `{"strict":false}`},
		{"deletion by the id and more", provider.Write{Ref: provider.Ref{Kind: pen, Place: place, ID: "1", Key: map[string]string{"made_by": "A&B"}}, Endpoint: pen.Endpoints.Delete},
			"DELETE /api/atlas/v2/groups/g1/pens/A%26B/1", ""},
		{"deletion by two keys", provider.Write{Ref: provider.Ref{Kind: label, Place: place, Key: map[string]string{"shelf": "CN=ä,OU=x", "text": "$y"}}, Endpoint: label.Endpoints.Delete},
			"DELETE /api/atlas/v2/groups/g1/labels/CN%3D%C3%A4%2COU%3Dx/%24y", ``},
		{"part", provider.Write{Ref: one, Endpoint: box.Parts[0].Write, Part: &box.Parts[0], Bodies: []cty.Value{full}},
			"PATCH /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201/lid", `{"open":true}`},
		{"part key by key", provider.Write{Ref: one, Endpoint: box.Parts[1].Write, Part: &box.Parts[1], PartKey: "atlas.max", Bodies: []cty.Value{full}},
			"PATCH /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201/flags/atlas.max", `{"value":7}`},
		{"member added, named in the body", member("addKeeper", map[string]cty.Value{"user": str("u/1"), "rank": cty.NumberIntVal(2)}),
			"POST /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201/keepers", `[{"user":"u/1","rank":2}]`},
		{"member changed, named in the path", member("setKeeper", map[string]cty.Value{"user": str("u/1"), "rank": cty.NumberIntVal(2)}),
			"PATCH /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201/keepers/u%2F1", `{"rank":2}`},
		{"member removed, by the first name that it has", member("removeKeeper", map[string]cty.Value{"team": str("t1"), "rank": cty.NumberIntVal(2)}),
			"DELETE /api/atlas/v2/groups/g1/boxes/d0..d%2Fred%201/keepers/t1", ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l, got := recorder(t, 200, `{}`)
			if _, err := l.Write(context.Background(), tc.write); err != nil {
				t.Fatal(err)
			}
			if call := got.method + " " + got.uri; call != tc.call {
				t.Errorf("called %s\nwant   %s", call, tc.call)
			}
			var want any
			if tc.body != "" {
				if err := json.Unmarshal([]byte(tc.body), &want); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(want, got.body); d != "" {
				t.Errorf("body (-want +got):\n%s", d)
			}
			media := "application/vnd.atlas.2024-08-05+json"
			wantType := media
			if want == nil {
				wantType = ""
			}
			if got.accept != media || got.contentType != wantType || got.agent != "mercator/1.2.3" {
				t.Errorf("Accept %q, Content-Type %q, User-Agent %q", got.accept, got.contentType, got.agent)
			}
		})
	}
}

// TestRule_R14_MaskedSecretsAreRefused: what Atlas shows in place of a secret is never sent back as one.
func TestRule_R14_MaskedSecretsAreRefused(t *testing.T) {
	box := toys(t).Kind("box")
	l, got := recorder(t, 200, `{}`)
	nested := func(s string) map[string]cty.Value {
		return map[string]cty.Value{"hooks": cty.ListVal([]cty.Value{with(box.Attribute("hooks").Nested, map[string]cty.Value{"secret": str(s)})})}
	}
	for _, set := range []map[string]cty.Value{
		{"password": secret("****************************0088")},
		{"password": str("****")},
		{"owner": secret("https://example.com/****")},
		nested("********-****-****-0123456789ab"),
	} {
		_, err := l.Write(context.Background(), createBox(box, set))
		wantClass(t, err, provider.Invalid, "masked secret")
	}
	if got.method != "" {
		t.Errorf("a masked secret was sent: %+v", got)
	}
	if _, err := l.Write(context.Background(), createBox(box, map[string]cty.Value{"owner": str("**** shown as such")})); err != nil {
		t.Errorf("stars in ordinary text: %v", err)
	}
}

func TestWritesThatCannotBeMade(t *testing.T) {
	catalog := toys(t)
	box, label := catalog.Kind("box"), catalog.Kind("label")
	l, got := recorder(t, 200, `{}`)
	value := with(box.Attributes, map[string]cty.Value{"name": str("red")})
	for _, tc := range []struct {
		name  string
		write provider.Write
		says  string
	}{
		{"unknown value", createBox(box, map[string]cty.Value{"owner": cty.UnknownVal(cty.String)}), "owner is not known yet"},
		{"no name for the path", provider.Write{Ref: provider.Ref{Kind: box, Place: place}, Endpoint: box.Endpoints.Delete}, "{boxName}"},
		{"no place", provider.Write{Ref: provider.Ref{Kind: box}, Endpoint: box.Endpoints.Create, Bodies: []cty.Value{value}}, "{groupId}"},
		{"a name that is a path", provider.Write{Ref: boxRef(box, ".."), Endpoint: box.Endpoints.Delete}, `".."`},
		{"two bodies for one", provider.Write{Ref: provider.Ref{Kind: box, Place: place}, Endpoint: box.Endpoints.Create, Bodies: []cty.Value{value, value}}, "2 bodies"},
		{"too many bodies", provider.Write{Ref: provider.Ref{Kind: label, Place: place}, Endpoint: label.Endpoints.Create,
			Bodies: make11(with(label.Attributes, nil))}, "11 bodies"},
		{"a part without value", provider.Write{Ref: boxRef(box, "r"), Endpoint: box.Parts[0].Write, Part: &box.Parts[0], Bodies: []cty.Value{value}}, "lid has no value"},
		{"a part without key", provider.Write{Ref: boxRef(box, "r"), Endpoint: box.Parts[1].Write, Part: &box.Parts[1], Bodies: []cty.Value{value}}, "{flagName}"},
		{"a part with another key", provider.Write{Ref: boxRef(box, "r"), Endpoint: box.Parts[1].Write, Part: &box.Parts[1], PartKey: "x", Bodies: []cty.Value{value}}, `"x"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := l.Write(context.Background(), tc.write)
			wantClass(t, err, provider.Invalid, tc.says)
			if got.method != "" {
				t.Error("something was sent")
			}
		})
	}
}

func make11(v cty.Value) []cty.Value {
	out := make([]cty.Value, 11)
	for i := range out {
		out[i] = v
	}
	return out
}

func TestDecode(t *testing.T) {
	box := toys(t).Kind("box")
	const answer = `{"id":"b1","name":"red","sizeGB":0.5,"password":"********","token":"tok-1234567","lid":{"open":true},
		"hooks":[{"hookId":"h","secret":"****12","extra":1}],"links":[],"newField":{"a":1},"state":7}`
	j, err := decodeJSON([]byte(answer))
	if err != nil {
		t.Fatal(err)
	}
	l := serve(t, nil)
	read := l.decode(box, place, j, false)
	if read.ID != "b1" || read.Key != "red" || read.Kind != "box" || read.Place != place {
		t.Errorf("identity of %+v", read)
	}
	if d := cmp.Diff([]string{".hooks[].extra", ".newField"}, read.Unknown); d != "" {
		t.Errorf("unknown (-want +got):\n%s", d)
	}
	for _, name := range []string{"password", "token", "lid", "flags"} {
		if v := read.Value.GetAttr(name); !v.IsNull() {
			t.Errorf("%s of a read is %#v, want null", name, v)
		}
	}
	if v := read.Value.GetAttr("hooks").Index(cty.NumberIntVal(0)); !v.GetAttr("secret").IsNull() || v.GetAttr("hook_id").AsString() != "h" {
		t.Errorf("hook %#v", v)
	}
	written := l.decode(box, place, j, true)
	token := written.Value.GetAttr("token")
	if plain, marks := token.Unmark(); len(marks) != 1 || plain.AsString() != "tok-1234567" {
		t.Errorf("a token that is shown once is %#v, want it marked", token)
	}
	if got := l.secrets.mask("x tok-1234567"); strings.Contains(got, "tok-") {
		t.Errorf("the token is not known to the redactor: %q", got)
	}
	redactedToken := l.decode(box, place, map[string]any{"token": "********-1234"}, true)
	if v := redactedToken.Value.GetAttr("token"); !v.IsNull() {
		t.Errorf("a masked token is %#v, want null", v)
	}
}

func TestParts(t *testing.T) {
	box := toys(t).Kind("box")
	s := &script{steps: []http.HandlerFunc{
		says(200, `{"open":false,"colour":"blue","new":1}`),
		says(200, `[{"name":"a","value":1,"maximumLimit":9},{"name":"b","value":2}]`),
	}}
	l := serve(t, s.ServeHTTP)
	lid, err := l.Part(context.Background(), boxRef(box, "r"), &box.Parts[0])
	if err != nil || lid.GetAttr("colour").AsString() != "blue" || lid.GetAttr("open").True() {
		t.Errorf("lid %#v, %v", lid, err)
	}
	flags, err := l.Part(context.Background(), boxRef(box, "r"), &box.Parts[1])
	want := cty.MapVal(map[string]cty.Value{"a": cty.NumberIntVal(1), "b": cty.NumberIntVal(2)})
	if err != nil || !flags.RawEquals(want) {
		t.Errorf("flags %#v, %v", flags, err)
	}
}

// TestAnswersOfWrites: what is no object of the kind gives the zero Object.
func TestAnswersOfWrites(t *testing.T) {
	box := toys(t).Kind("box")
	create := createBox(box, map[string]cty.Value{"name": str("red")})
	for _, tc := range []struct {
		status int
		answer string
		id     string
	}{
		{201, `{"id":"b1","name":"red"}`, "b1"}, {202, `{}`, ""}, {204, ``, ""}, {200, ` `, ""}, {200, `null`, ""}, {201, `[]`, ""},
	} {
		l, _ := recorder(t, tc.status, tc.answer)
		if tc.status == 204 {
			l = serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })
		}
		o, err := l.Write(context.Background(), create)
		if err != nil || o.ID != tc.id || (tc.id == "") != (o.Kind == "") {
			t.Errorf("%d %q gives %+v, %v", tc.status, tc.answer, o, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	box := toys(f).Kind("box")
	l := serve(f, nil)
	for _, seed := range []string{`{}`, `{"hooks":[{"secret":1},7,null]}`, `{"tags":[{"key":"a"}],"flags":{"a":"x"}}`, `[]`, `{"sizeGB":1e999}`, `{"sizeGB":"NaN"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		j, err := decodeJSON(text)
		if err != nil {
			return
		}
		for _, written := range []bool{false, true} {
			o := l.decode(box, place, j, written)
			if !o.Value.Type().Equals(schema.ObjectType(box.Attributes)) {
				t.Errorf("%q gives a value of another type", text)
			}
			if !o.Value.GetAttr("password").IsNull() {
				t.Errorf("%q gives a password", text)
			}
		}
		maskJSON(box.Attributes, j)
		readAPIError(text)
	})
}
