package atlas

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
	"mercator/schema"
)

// TestValidate asks about writes of a toy: what is sent is what the write would send, wrapped as the kind says.
func TestValidate(t *testing.T) {
	box := *toys(t).Kind("box")
	box.Validate = &schema.Validation{Endpoint: endpoint("tryBox", "POST", "/groups/{groupId}/boxes:try"), Object: "box", Editing: "there", Key: "boxName",
		Errors: "wrong", Code: "kind", Text: "why"}
	var asked, answer string
	status := http.StatusOK
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = r.Method + " " + r.URL.Path + " " + string(body)
		answerJSON(w, status, answer)
	})
	values := schema.NullObject(box.Attributes).AsValueMap()
	values["name"], values["owner"], values["state"] = cty.StringVal("b"), cty.StringVal("somebody"), cty.StringVal("ready")
	values["password"] = cty.StringVal("hunter2-in-a-box")
	w := provider.Write{Ref: provider.Ref{Kind: &box, Place: schema.Place("").With("groupId", "g"), ID: "1", Key: map[string]string{"name": "b"}},
		Bodies: []cty.Value{cty.ObjectVal(values)}, Attributes: []string{"name", "owner", "password"}}

	answer = `{"fine":true}`
	got, err := l.Validate(context.Background(), w, false)
	if want := `POST /api/atlas/v2/groups/g/boxes:try {"box":{"groupId":"g","name":"b","owner":"somebody","password":"hunter2-in-a-box"},"there":false}`; err != nil || len(got) > 0 || asked != want {
		t.Errorf("asked %s, want %s: %v, %v", asked, want, got, err)
	}
	answer = `{"wrong":[{"kind":"TOO_FLAT","why":"A box has three sides, not hunter2-in-a-box."},{"kind":"ODD"}]}`
	w.Attributes = []string{"owner"}
	got, err = l.Validate(context.Background(), w, true)
	if want := `POST /api/atlas/v2/groups/g/boxes:try {"box":{"groupId":"g","owner":"somebody"},"boxName":"b","there":true}`; err != nil || asked != want {
		t.Errorf("asked %s, want %s: %v", asked, want, err)
	}
	if len(got) != 2 || got[0] != (provider.Objection{Code: "TOO_FLAT", Text: "A box has three sides, not ********."}) || got[1].Code != "ODD" {
		t.Errorf("objections %q", got)
	}
	status, answer = http.StatusForbidden, `{"error":403,"errorCode":"USER_UNAUTHORIZED"}`
	if _, err := l.Validate(context.Background(), w, true); provider.ClassOf(err) != provider.Denied {
		t.Errorf("a refusal is %v", err)
	}
	status, answer = http.StatusOK, `[]`
	if _, err := l.Validate(context.Background(), w, true); err == nil {
		t.Error("an answer of another form says that nothing is wrong")
	}
	box.Validate = nil
	if _, err := l.Validate(context.Background(), w, true); err == nil {
		t.Error("a kind that Atlas does not validate is asked about")
	}
}
