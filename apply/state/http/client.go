package httpstate

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // the protocol's checksum against damage on the way, not against anybody
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"mercator/apply/state"
)

// requestLimit bounds one request with its answer.
const requestLimit = time.Minute

// request is one thing that is asked of the server.
type request struct {
	// aim says in an error what it was for: "read the state".
	aim    string
	method string
	url    *url.URL
	body   []byte
	// settled, if not nil, is asked after each answer that was lost, or could have been, whether the request was
	// carried out all the same. An error of it ends the repetitions.
	settled func(context.Context) (bool, error)
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
	// unsure says that an earlier try, or this one, may have been carried out although no answer says so.
	unsure bool
}

func (a answer) ok() bool { return a.status >= 200 && a.status < 300 }

// passing reports whether a status says that the same request may succeed a little later.
func passing(status int) bool {
	return status == http.StatusTooManyRequests || status >= 500 && status != http.StatusNotImplemented
}

// do makes a request, and again while what stands in its way may pass.
func (c *client) do(ctx context.Context, r request) (answer, error) {
	unsure := false
	for n := 0; ; n++ {
		a, err := c.once(ctx, r)
		unsure = unsure || a.unsure
		a.unsure = unsure
		final := err == nil && !passing(a.status)
		if final && (a.ok() || !unsure || r.settled == nil) {
			return a, nil
		}
		if unsure && r.settled != nil {
			if done, err := r.settled(ctx); done || err != nil {
				return answer{status: http.StatusOK, unsure: true}, err
			}
		}
		if final || n >= c.retries || ctx.Err() != nil {
			return a, err
		}
		if err := c.clock.Sleep(ctx, c.pause(n, a)); err != nil {
			return a, err
		}
	}
}

// pause returns how long to wait before the repetition number n, counted from 0.
func (c *client) pause(n int, a answer) time.Duration {
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); err == nil && seconds >= 0 {
		return min(time.Duration(seconds)*time.Second, c.waitMax)
	}
	return min(c.waitMin<<min(n, 16), c.waitMax)
}

// once makes a request once and reads the whole answer. What changes something is not interrupted: only its answer
// says whether it did.
func (c *client) once(ctx context.Context, r request) (answer, error) {
	if r.method != http.MethodGet {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, r.method, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return answer{}, fmt.Errorf("cannot %s: %w", r.aim, err)
	}
	for name, value := range c.headers {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", c.agent)
	if c.username != "" || c.password != "" {
		req.SetBasicAuth(c.username, c.password)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Content-MD5", checksum(r.body))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{unsure: sent.Load()}, c.unreachable(r, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{unsure: sent.Load()}, c.unreachable(r, err)
	}
	// What was compressed on its way no longer is what the checksum was made of.
	if sum := res.Header.Get("Content-MD5"); sum != "" && !res.Uncompressed && sum != checksum(body) {
		return answer{unsure: true}, fmt.Errorf("cannot %s: what %s sent does not have the checksum that it says (Content-MD5), so it was damaged on its way",
			r.aim, c.shown(r.url))
	}
	return answer{status: res.StatusCode, header: res.Header, body: body, unsure: res.StatusCode >= http.StatusInternalServerError}, nil
}

func checksum(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// unreachable says that there was no whole answer. The address in the library's error may hold a secret.
func (c *client) unreachable(r request, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return fmt.Errorf("cannot %s: %s gave no answer: %w; see whether the address is right and can be reached from here",
		r.aim, c.shown(r.url), err)
}

// shown is an address without what may be secret in it.
func (c *client) shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// refused says why a request failed that was answered, and what would help.
func (c *client) refused(r request, a answer) error {
	return fmt.Errorf("cannot %s: %s answered %d %s%s; %s",
		r.aim, c.shown(r.url), a.status, http.StatusText(a.status), c.words(a), c.remedy(r, a))
}

func (c *client) remedy(r request, a answer) string {
	switch a.status {
	case http.StatusUnauthorized:
		if c.username == "" && c.password == "" && len(c.headers) == 0 {
			return "it asks for credentials: set username and password, best by MERCATOR_STATE_HTTP_USERNAME and MERCATOR_STATE_HTTP_PASSWORD"
		}
		return "it does not take the credentials: see whether username and password (or the headers) are right and the token has not expired"
	case http.StatusForbidden:
		return "the credentials are known and not enough: in GitLab, reading needs the role Developer, locking and writing the role Maintainer, and a token the scope api"
	case http.StatusNotFound:
		return "see whether the address is right, and whether the credentials may know of it"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fmt.Sprintf("it does not know the method %s there: set update_method, lock_method and unlock_method as its documentation says", r.method)
	case http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("the state has %d bytes, more than the server takes: raise its limit, or divide the configuration", len(r.body))
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return "it has moved, and redirections are not followed because a write would be lost by one: set the new address"
	}
	if passing(a.status) {
		return "the server has a difficulty of its own: try again later, or look into its log"
	}
	return "the server's documentation or log may say why"
}

// mostWords is how much of a server's own words is shown.
const mostWords = 200

// words returns, in parentheses, what a server says about an error beside its status, where it says so in JSON as GitLab
// and others do.
func (c *client) words(a answer) string {
	var said struct {
		Message any `json:"message"`
		Error   any `json:"error"`
	}
	if json.Unmarshal(a.body, &said) != nil {
		return ""
	}
	text, ok := cmp.Or(said.Message, said.Error).(string)
	if !ok || text == "" || text == fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)) {
		return ""
	}
	if c.password != "" {
		text = strings.ReplaceAll(text, c.password, "(secret)")
	}
	for _, secret := range c.headers {
		text = strings.ReplaceAll(text, secret, "(secret)")
	}
	if len(text) > mostWords {
		text = strings.ToValidUTF8(text[:mostWords], "") + "..."
	}
	return fmt.Sprintf(" (%s)", text)
}

// read returns the stored document, nil where there is none.
func (c *client) read(ctx context.Context) ([]byte, error) {
	r := c.reading()
	a, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	return c.document(r, a)
}

func (c *client) reading() request {
	return request{aim: "read the state", method: http.MethodGet, url: c.address}
}

func (c *client) document(r request, a answer) ([]byte, error) {
	switch {
	case a.status == http.StatusNotFound, a.status == http.StatusNoContent, a.ok() && len(a.body) == 0:
		return nil, nil
	case a.status == http.StatusOK:
		return a.body, nil
	}
	return nil, c.refused(r, a)
}

// write puts data in the place of the stored document old, under the lock with that id, "" for none.
func (c *client) write(ctx context.Context, id string, old, data []byte) error {
	u := *c.address
	if id != "" {
		query := u.Query()
		query.Set("ID", id)
		u.RawQuery = query.Encode()
	}
	r := request{aim: "write the state", method: c.updateMethod, url: &u, body: data}
	r.settled = func(ctx context.Context) (bool, error) {
		reading := c.reading()
		a, err := c.once(ctx, reading)
		if err != nil {
			return false, nil //nolint:nilerr // it cannot be told yet
		}
		now, err := c.document(reading, a)
		switch {
		case err != nil, bytes.Equal(now, old):
			return false, nil //nolint:nilerr // as above
		case bytes.Equal(now, data):
			return true, nil
		}
		return false, &state.LostError{Reason: "somebody else wrote the state meanwhile"}
	}
	a, err := c.do(ctx, r)
	switch {
	case err != nil:
		return err
	case a.ok():
		return nil
	case locked(a.status):
		return &state.LostError{Reason: fmt.Sprintf("the server no longer takes writes under it (%d %s)", a.status, http.StatusText(a.status))}
	}
	return c.refused(r, a)
}

func locked(status int) bool { return status == http.StatusConflict || status == http.StatusLocked }
