package atlas

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mercator/provider"
)

// apiError is the body of an error answer (schema ApiError of the specification), read leniently: any field may
// be absent or null.
type apiError struct {
	// Is says that the body has the form of Atlas's errors, so that it is Atlas that answered.
	is           bool
	code, detail string
	parameters   []any
	// fields are what badRequestDetail says of single fields: "name: must not be empty".
	fields []string
}

func readAPIError(body []byte) apiError {
	j, err := decodeJSON(body)
	m, ok := j.(map[string]any)
	if err != nil || !ok {
		return apiError{}
	}
	var e apiError
	for _, name := range []string{"error", "errorCode", "reason"} {
		if _, ok := m[name]; ok {
			e.is = true
		}
	}
	e.code, _ = m["errorCode"].(string)
	e.detail, _ = m["detail"].(string)
	if e.detail == "" {
		e.detail, _ = m["reason"].(string)
	}
	if code, ok := m["error"].(string); ok && e.code == "" { // the token endpoint's form (RFC 6749, 5.2)
		e.code = code
		e.detail, _ = m["error_description"].(string)
	}
	e.parameters, _ = m["parameters"].([]any)
	bad, _ := m["badRequestDetail"].(map[string]any)
	fields, _ := bad["fields"].([]any)
	for _, f := range fields {
		f, _ := f.(map[string]any)
		field, _ := f["field"].(string)
		description, _ := f["description"].(string)
		if field != "" || description != "" {
			e.fields = append(e.fields, strings.Trim(field+": "+description, ": "))
		}
	}
	return e
}

// judge turns a whole answer into an outcome: its JSON, or an error of the class that the code, else the status,
// has in the tables.
func (c *Client) judge(r *request, res *http.Response, body []byte) outcome {
	status := res.StatusCode
	if status/100 == 2 {
		j, err := decodeJSON(body)
		if err != nil {
			e := c.plainError(r, fmt.Errorf("the answer (status %d) is not whole or no JSON: %w", status, err))
			e.Class = provider.Transient
			e.Remedy = "if it happens again, look whether a proxy stands between this machine and " + c.base
			return outcome{err: e, fate: lost}
		}
		return outcome{body: j}
	}
	said := readAPIError(body)
	if said.code == "" {
		said.code = res.Header.Get("X-Error-Code")
	}
	means := meaningOf(status, said.code)
	if r.endpoint == tokenEndpoint && status == http.StatusUnauthorized {
		means = byCode["invalid_client"]
	}
	e := &provider.Error{
		Class: means.class, Status: status, Code: said.code, Call: c.secrets.mask(r.call()), Operation: r.endpoint.Operation,
		Detail: c.secrets.mask(said.text()), Remedy: c.secrets.mask(means.advice(r, said)),
	}
	if !said.is && res.Header.Get("X-Error-Code") == "" && status < 500 && status != http.StatusTooManyRequests && status != http.StatusUnauthorized {
		c.foreign(e, res)
	}
	out := outcome{err: e, fate: means.fate, after: retryAfter(res.Header.Get("Retry-After"), c.clock.Now())}
	if out.after == 0 && status == http.StatusTooManyRequests {
		out.after = said.wait()
	}
	if status == http.StatusTooManyRequests {
		out.perSecond = said.refill()
	}
	if r.endpoint.Method == http.MethodDelete && means.deleting {
		return outcome{}
	}
	return out
}

// foreign marks an answer that does not have the form of Atlas's: it must never be taken for "not there".
func (c *Client) foreign(e *provider.Error, res *http.Response) {
	e.Class = provider.Unknown
	e.Detail = "the answer does not come from Atlas"
	e.Remedy = fmt.Sprintf("check that %s is the address of Atlas (%s) and that no proxy answers in its place", c.base, varBaseURL[0])
	if to := res.Header.Get("Location"); res.StatusCode/100 == 3 && to != "" {
		e.Detail = "it redirects to " + c.secrets.mask(to) + ", which is not followed"
	}
}

// text returns the detail and what is said of single fields.
func (e apiError) text() string {
	if len(e.fields) == 0 {
		return e.detail
	}
	return strings.TrimPrefix(e.detail+" ["+strings.Join(e.fields, "; ")+"]", " ")
}

// wait reads how long a 429's body says to wait: [path, seconds, capacity, refill, per seconds] of a token bucket,
// or [path, requests, minutes] of an older limit.
func (e apiError) wait() time.Duration {
	seconds := 0.0
	switch requests := e.number(1); {
	case e.code == tokenBucketCode:
		seconds = requests
	case requests > 0:
		seconds = e.number(2) * 60 / requests
	}
	return time.Duration(min(seconds, longestWait.Seconds()) * float64(time.Second))
}

// refill reads how many tokens a second a 429's body says to come; 0 where it does not.
func (e apiError) refill() float64 {
	if per := e.number(4); e.code == tokenBucketCode && per > 0 {
		return e.number(3) / per
	}
	return 0
}

const tokenBucketCode = "RATE_LIMITED_TOKEN_BUCKET"

// number returns a positive parameter of the error, 0 where there is none.
func (e apiError) number(i int) float64 {
	if i >= len(e.parameters) {
		return 0
	}
	f, err := strconv.ParseFloat(fmt.Sprint(e.parameters[i]), 64)
	if err != nil || !(f > 0) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// broken is the outcome where no whole answer came; sent says whether the request may have reached Atlas.
func (c *Client) broken(r *request, err error, sent bool) outcome {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && sent { // its addresses are of no use to anybody
		err = fmt.Errorf("the connection broke off: %w", op.Err)
	}
	e := c.plainError(r, err)
	e.Class = provider.Transient
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		e.Remedy = "if a proxy inspects the traffic, name its certificate authority in SSL_CERT_FILE"
		return outcome{err: e}
	case errors.Is(err, context.Canceled):
	case errors.Is(err, context.DeadlineExceeded):
		e.Remedy = fmt.Sprintf("no answer within %s; look at the network, or run it again later", c.timeout)
	case !sent:
		e.Remedy = "look whether " + c.base + " can be reached from here, and at HTTPS_PROXY and NO_PROXY"
	}
	if sent {
		return outcome{err: e, fate: lost}
	}
	return outcome{err: e, fate: undone}
}

// plainError is an error without an answer of Atlas, its text masked.
func (c *Client) plainError(r *request, err error) *provider.Error {
	return &provider.Error{
		Call: c.secrets.mask(r.call()), Operation: r.endpoint.Operation, Err: maskedError{err, c.secrets.mask(err.Error())},
	}
}

// maskedError is an error whose text is free of secrets.
type maskedError struct {
	error
	text string
}

func (e maskedError) Error() string { return e.text }

func (e maskedError) Unwrap() error { return e.error }
