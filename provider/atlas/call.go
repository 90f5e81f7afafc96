package atlas

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"mercator/provider"
	"mercator/schema"
)

// request is one call before it is sent.
type request struct {
	endpoint *schema.Endpoint
	path     string
	query    url.Values
	// body is JSON, nil for none. attrs describe it and the answer, to mask their secrets in logs.
	body  []byte
	attrs []schema.Attribute
	// second marks the repeated read of a list (R7).
	second bool
}

// call returns the request as errors name it.
func (r *request) call() string { return r.endpoint.Method + " " + r.path }

// repeatable reports whether sending it twice does no harm.
func (r *request) repeatable() bool {
	return r.endpoint.Method != http.MethodPost || r.endpoint.Upsert
}

// changes reports whether it may change anything in Atlas.
func (r *request) changes() bool {
	return r.endpoint.Method != http.MethodGet && r.endpoint != tokenEndpoint
}

// mediaType is the dated type of an endpoint's bodies.
func mediaType(version string) string { return "application/vnd.atlas." + version + "+json" }

// do makes a call with its waits and repeats and returns the answer's JSON, nil where it has none.
func (c *Client) do(ctx context.Context, r *request) (any, error) {
	return c.repeat(ctx, r, func(ctx context.Context, try int) outcome { return c.attempt(ctx, r, try) })
}

// attempt sends the request once; a second and third time only where new credentials answer a 401.
func (c *Client) attempt(ctx context.Context, r *request, try int) outcome {
	ctx = withAbout(ctx, about{operation: r.endpoint.Operation, attempt: try, second: r.second})
	for n := 1; ; n++ {
		req, err := c.build(ctx, r)
		if err != nil {
			return outcome{err: c.plainError(r, err)}
		}
		if err := c.auth.authorize(ctx, req); err != nil {
			return c.unauthorized(r, err)
		}
		res, body, out := c.send(req, r)
		if res == nil {
			return out
		}
		if res.StatusCode == http.StatusUnauthorized && c.auth.refused(ctx, req, res, n) {
			continue
		}
		out = c.judge(r, res, body)
		c.traceBody(ctx, "atlas answer", r.endpoint.Operation, r.attrs, out.body)
		return out
	}
}

// unauthorized is the outcome where no credentials could be had: the request was not sent.
func (c *Client) unauthorized(r *request, err error) outcome {
	var known *provider.Error
	if errors.As(err, &known) {
		return outcome{err: known}
	}
	return c.broken(r, err, false)
}

func (c *Client) build(ctx context.Context, r *request) (*http.Request, error) {
	address := c.base + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	var body io.Reader = http.NoBody
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.endpoint.Method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", mediaType(r.endpoint.Version))
	req.Header.Set("User-Agent", c.agent)
	if r.body != nil {
		req.Header.Set("Content-Type", mediaType(r.endpoint.Version))
	}
	return req, nil
}

// send makes one HTTP exchange within the time limit and a free slot. res is nil where no whole answer came; out
// then says why.
func (c *Client) send(req *http.Request, r *request) (res *http.Response, body []byte, out outcome) {
	ctx := req.Context()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, nil, c.broken(r, ctx.Err(), false)
	}
	if guard := provider.Guard(ctx); guard != nil { // last: credentials and slots may have taken long
		if err := guard(ctx); err != nil {
			return nil, nil, outcome{err: c.gaveUp(r, nil, err)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sent atomic.Bool // whether a byte of the request may have left
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { sent.Store(true) },
	})
	if r.body != nil {
		c.traceRequest(ctx, r)
	}
	answer, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		return nil, nil, c.broken(r, err, sent.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(answer.Body, c.largest+1))
	switch {
	case err != nil:
		return nil, nil, c.broken(r, fmt.Errorf("the answer (status %d) broke off: %w", answer.StatusCode, err), true)
	case int64(len(body)) > c.largest:
		return nil, nil, outcome{err: c.plainError(r, fmt.Errorf("the answer is larger than %d MiB, which no answer of Atlas is", c.largest>>20))}
	}
	c.budgets.learn(r, answer.StatusCode, answer.Header)
	return answer, body, outcome{}
}

func (c *Client) traceRequest(ctx context.Context, r *request) {
	if c.log.Enabled(ctx, LevelTrace) {
		if j, err := decodeJSON(r.body); err == nil {
			c.traceBody(ctx, "atlas request body", r.endpoint.Operation, r.attrs, j)
		}
	}
}

// decodeJSON decodes one JSON value whole, numbers with all their digits; nothing but white space is nil.
func decodeJSON(text []byte) (any, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var j any
	if err := d.Decode(&j); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON value")
	}
	return j, nil
}
