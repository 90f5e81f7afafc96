package atlas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

func TestErrors(t *testing.T) {
	box := toys(t).Kind("box")
	const html = `<html>Not here</html>`
	for _, tc := range []struct {
		status  int
		body    string
		class   provider.Class
		says    []string
		headers []string
	}{
		{400, apiErrorBody(400, "INVALID_ATTRIBUTE", "Invalid attribute disk IOPS specified.", "disk IOPS"), provider.Invalid, []string{"correct or remove disk IOPS"}, nil},
		{400, `{"error":400,"errorCode":"VALIDATION_ERROR","detail":"d","badRequestDetail":{"fields":[{"field":"name","description":"must not be empty"},{"field":"x"}]}}`,
			provider.Invalid, []string{"name: must not be empty; x"}, nil},
		{400, apiErrorBody(400, "SOMETHING_NEW", "No."), provider.Invalid, []string{"SOMETHING_NEW", "the message names"}, nil},
		{400, apiErrorBody(400, "DUPLICATE_CLUSTER_NAME", "A cluster or serverless instance named x is already present in group g."), provider.Conflict, []string{"adopts it"}, nil},
		{400, apiErrorBody(400, "API_KEY_NOT_FOUND", "No API key with ID x exists."), provider.NotFound, nil, nil},
		{401, apiErrorBody(401, "NOT_IN_GROUP", "The current user is not in the group, or the group does not exist."), provider.Denied, []string{"with the role Keeper"}, nil},
		{401, ``, provider.Denied, []string{"credentials are valid"}, nil},
		{402, apiErrorBody(402, "NO_PAYMENT_INFORMATION_FOUND", "No payment information was found for group g."), provider.Denied, []string{"payment method"}, nil},
		{403, apiErrorBody(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP address 203.0.113.9 is not allowed to access this resource.", "203.0.113.9"),
			provider.Denied, []string{"add 203.0.113.9 to the API access list"}, nil},
		{403, apiErrorBody(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST", "IP address 2001:db8::1 is not allowed to access this resource."),
			provider.Denied, []string{"add 2001:db8::1 to"}, nil},
		{403, apiErrorBody(403, "OTHER", "No."), provider.Denied, []string{"the role Keeper"}, nil},
		{404, apiErrorBody(404, "CLUSTER_NOT_FOUND", "No cluster named x exists in group g."), provider.NotFound, nil, nil},
		{404, `{"detail":"Could not find the requested link.","error":404,"errorCode":null,"parameters":null,"reason":"Not Found"}`, provider.NotFound, nil, nil},
		{404, apiErrorBody(404, "CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT", "no"), provider.Conflict, []string{"projects first"}, nil},
		{404, apiErrorBody(404, "INVALID_GROUP_ID", "An invalid group ID x was specified."), provider.Invalid, []string{"24 hexadecimal"}, nil},
		{404, html, provider.Unknown, []string{"does not come from Atlas", "proxy"}, nil},
		{404, ``, provider.Unknown, []string{"does not come from Atlas"}, nil},
		{404, ``, provider.NotFound, nil, []string{"X-Error-Code", "GROUP_NOT_FOUND"}},
		{404, `{"message":"no such route"}`, provider.Unknown, []string{"does not come from Atlas"}, nil},
		{406, apiErrorBody(406, "INVALID_VERSION_DATE", "Invalid accept header or version date."), provider.Invalid, []string{"newer Mercator"}, nil},
		{409, apiErrorBody(409, "CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS", "Cannot close group while it has active clusters."), provider.Conflict, []string{"clusters first"}, nil},
		{410, apiErrorBody(410, "VERSION_GONE", "Version 2023-02-01 of x is no longer available."), provider.Invalid, []string{"newer Mercator"}, nil},
		{302, ``, provider.Unknown, []string{"redirects to https://elsewhere.example.com"}, []string{"Location", "https://elsewhere.example.com/x"}},
		{418, apiErrorBody(418, "TEAPOT", "x"), provider.Unknown, []string{"418 TEAPOT"}, nil},
	} {
		t.Run(fmt.Sprint(tc.status, " ", readAPIError([]byte(tc.body)).code), func(t *testing.T) {
			l := serve(t, says(tc.status, tc.body, tc.headers...))
			_, err := l.Get(context.Background(), boxRef(box, "red"))
			wantClass(t, err, tc.class, tc.says...)
			var e *provider.Error
			if !errors.As(err, &e) || e.Status != tc.status || e.Operation != "getBox" || e.Call != "GET /api/atlas/v2/groups/g1/boxes/red" {
				t.Errorf("error %+v", e)
			}
			if n := l.Stats().Total(); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestTooLargeAnAnswer(t *testing.T) {
	box := toys(t).Kind("box")
	l := serve(t, says(200, `{"name":"`+strings.Repeat("x", 2<<20)+`"}`))
	l.largest = 1 << 20
	_, err := l.Get(context.Background(), boxRef(box, "red"))
	wantClass(t, err, provider.Unknown, "larger than 1 MiB")
}

// TestEveryRemedy: each entry of the tables says what to do and leaves nothing to be filled in.
func TestEveryRemedy(t *testing.T) {
	r := &request{endpoint: endpoint("getBox", "GET", "/boxes")}
	for code, m := range byCode {
		if m.class == provider.NotFound {
			continue
		}
		if text := m.advice(r, apiError{}); text == "" || strings.ContainsAny(text, "{}") {
			t.Errorf("%s: %q", code, text)
		}
	}
	for status, m := range byStatus {
		if text := m.advice(r, apiError{}); m.class != provider.NotFound && (text == "" || strings.ContainsAny(text, "{}")) {
			t.Errorf("%d: %q", status, text)
		}
	}
}

// TestDocumentedCodes holds the tables against the documented and recorded error codes.
func TestDocumentedCodes(t *testing.T) {
	dir := os.Getenv("MERCATOR_ATLAS_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "atlas")
	}
	text, err := os.ReadFile(filepath.Join(dir, "errorcodes.tsv"))
	if err != nil {
		t.Skipf("no error codes to compare with: set MERCATOR_ATLAS_DATA to the folder with errorcodes.tsv (%v)", err)
	}
	known := map[string]bool{}
	for _, line := range strings.Split(string(text), "\n")[1:] {
		fields := strings.Split(line, "\t")
		if len(fields) < 2 {
			continue
		}
		known[fields[0]] = true
		var status int
		if _, err := fmt.Sscan(fields[1], &status); err != nil {
			t.Errorf("%s: %v", fields[0], err)
			continue
		}
		if m := meaningOf(status, fields[0]); m.class == provider.Unknown {
			t.Errorf("%d %s means nothing", status, fields[0])
		}
		if m := meaningOf(status, fields[0]); strings.Contains(fields[0], "NOT_FOUND") && status == 404 && m.class != provider.NotFound {
			t.Errorf("%d %s is of class %d", status, fields[0], m.class)
		}
	}
	elsewhere := []string{"invalid_client", // of the token endpoint
		"ATLAS_FTS_DUPLICATE_INDEX", "PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION"} // in the documentation's list
	for code := range byCode {
		if !known[code] && !slices.Contains(elsewhere, code) {
			t.Errorf("%s is in the table, but nobody documents it", code)
		}
	}
}

// TestRecordedErrors reads every recorded error body.
func TestRecordedErrors(t *testing.T) {
	dir := os.Getenv("MERCATOR_ATLAS_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "atlas")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "recordings", "errors", "*.json"))
	if len(files) == 0 {
		t.Skip("no recordings: set MERCATOR_ATLAS_DATA to the folder that holds them")
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var rec struct {
			Method string
			Status int
			Body   json.RawMessage
		}
		if err := json.Unmarshal(text, &rec); err != nil {
			t.Fatal(err)
		}
		l := serve(t, says(rec.Status, string(bytes.TrimPrefix(rec.Body, []byte("null")))))
		r := &request{endpoint: &schema.Endpoint{Method: rec.Method, Path: "/x", Operation: "x"}, path: "/x"}
		_, err = l.do(context.Background(), r)
		var e *provider.Error
		if !errors.As(err, &e) || e.Class == provider.Unknown || e.Status != rec.Status {
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
	}
}

// TestNothingSecretIsShown lets secrets pass in every direction at the highest log level.
func TestNothingSecretIsShown(t *testing.T) {
	box := toys(t).Kind("box")
	const password, once, hook, bearerToken = `p"ä&ss/word`, "shown-once-only", "hook-secret", "bearer-of-tokens"
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch {
			echo, _ := json.Marshal("not " + password + " in " + r.RequestURI + r.Header.Get("Authorization"))
			answerJSON(w, 400, `{"error":400,"errorCode":"WEAK_PASSWORD","detail":`+string(echo)+`}`)
			return
		}
		answerJSON(w, 201, `{"id":"b1","name":"red","token":"`+once+`","hooks":[{"secret":"****"}],"apiKey":"undescribed-key"}`)
	}, func(c *Config) { c.Credentials.Token = bearerToken })
	hooks := cty.ListVal([]cty.Value{with(box.Attribute("hooks").Nested, map[string]cty.Value{"secret": str(hook)})})
	o, err := l.Write(context.Background(), createBox(box, map[string]cty.Value{
		"name": str("red"), "password": secret(password), "hooks": hooks, "owner": secret("sensitive-owner")}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Encode(box.Attributes, o.Value, schema.ByName); err == nil {
		t.Error("the answer's secret can be written to a file")
	}
	_, err = l.Write(context.Background(), provider.Write{Ref: boxRef(box, "red"), Endpoint: box.Endpoints.Update,
		Query:  map[string][]string{"q": {password}},
		Bodies: []cty.Value{with(box.Attributes, map[string]cty.Value{"password": secret(password)})}})
	wantClass(t, err, provider.Invalid, mask)
	shown := l.log.String() + err.Error()
	for _, s := range []string{password, once, hook, bearerToken, "sensitive-owner", "undescribed-key"} {
		for _, form := range forms(s) {
			if strings.Contains(shown, form) {
				t.Errorf("%q is shown as %q", s, form)
			}
		}
	}
	for _, word := range []string{`"atlas request"`, `"atlas request body"`, `"atlas answer"`, `"operation":"createBox"`, `"status":201`, `"attempt":1`, `\"name\":\"red\"`} {
		if !strings.Contains(shown, word) {
			t.Errorf("the log does not hold %s:\n%s", word, l.log.String())
		}
	}
}

func TestLogLevels(t *testing.T) {
	box := toys(t).Kind("box")
	for level, want := range map[slog.Level][2]bool{LevelTrace: {true, true}, slog.LevelDebug: {true, false}, slog.LevelInfo: {false, false}} {
		var log bytes.Buffer
		l := serve(t, says(200, aBox), func(c *Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))
		})
		if err := get(l.Client, box); err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{strings.Contains(log.String(), "atlas request"), strings.Contains(log.String(), "atlas answer")}; got != want {
			t.Errorf("%s: request and body logged: %v, want %v", level, got, want)
		}
	}
}

func TestRedactor(t *testing.T) {
	r := newRedactor()
	if got := r.mask("text"); got != "text" {
		t.Errorf("without secrets: %q", got)
	}
	r.add("abc", "", "päss wörd/1", "päss wörd/1 longer", `quo"te\`)
	for text, want := range map[string]string{
		"abc":                            "abc",
		"x päss wörd/1 y":                "x ******** y",
		"päss wörd/1 longer":             "********",
		"p%C3%A4ss+w%C3%B6rd%2F1":        mask,
		"p%C3%A4ss%20w%C3%B6rd%2F1":      mask,
		`{"a":"quo\"te\\"}`:              `{"a":"********"}`,
		"dTpww6RzcyB3w7ZyZC8x":           "",
		"Basic dXNlcjpww6RzcyB3w7ZyZC8x": "",
	} {
		got := r.mask(text)
		if want != "" && got != want {
			t.Errorf("%q is masked as %q, want %q", text, got, want)
		}
		if want == "" && !strings.Contains(got, mask) {
			t.Errorf("%q is not masked: %q", text, got)
		}
	}
	r.add("another")
	if got := r.mask("another one"); got != "******** one" {
		t.Errorf("after a later addition: %q", got)
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("user", "päss", "x")
	f.Fuzz(func(t *testing.T, before, s, after string) {
		r := newRedactor()
		r.add(s)
		if len(s) < 4 || strings.Contains(mask, s) || strings.Contains(before+after+mask, s) {
			return
		}
		if got := r.mask(before + s + after); strings.Contains(got, s) && !strings.Contains(before+mask+after, s) {
			t.Errorf("%q shows %q", got, s)
		}
	})
}
