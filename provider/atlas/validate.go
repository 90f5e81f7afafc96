package atlas

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"mercator/provider"
	"mercator/schema"
)

var _ provider.Validator = (*Client)(nil)

// Validate implements provider.Validator.
func (c *Client) Validate(ctx context.Context, w provider.Write, there bool) ([]provider.Objection, error) {
	v := w.Ref.Kind.Validate
	if v == nil {
		return nil, misuse(nil, fmt.Errorf("%s is nothing that Atlas validates", w.Ref.Kind.Name))
	}
	w.Endpoint = v.Endpoint
	path, err := w.Ref.Kind.Path(v.Endpoint.Path, w.Ref.Place, w.Ref.ID, w.Ref.Key)
	if err != nil {
		return nil, misuse(v.Endpoint, err)
	}
	sent, err := c.encode(w)
	if err != nil {
		return nil, misuse(v.Endpoint, err)
	}
	body := map[string]any{v.Object: json.RawMessage(sent.body), v.Editing: there}
	if there {
		body[v.Key] = schema.KeyText(w.Ref.Kind.JoinKey(w.Ref.Key))
	}
	r := &request{endpoint: v.Endpoint, path: path, attrs: w.Ref.Kind.Attributes}
	if r.body, err = json.Marshal(body); err != nil {
		return nil, misuse(v.Endpoint, err)
	}
	j, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	answer, ok := j.(map[string]any)
	if !ok {
		return nil, c.plainError(r, errors.New("the answer is no object"))
	}
	var out []provider.Objection
	found, _ := answer[v.Errors].([]any)
	for _, item := range found {
		e, _ := item.(map[string]any)
		out = append(out, provider.Objection{Code: textAt(e, v.Code), Text: c.secrets.mask(textAt(e, v.Text))})
	}
	return out, nil
}
