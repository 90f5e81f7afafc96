package atlas

import (
	"context"
	"io"
	"net/http"

	"github.com/icholy/digest"
)

// digestAuth signs requests with an API key by HTTP Digest (RFC 7616). It keeps the server's nonce and counts its
// uses, so that a request is not doubled: one challenge is asked for before the first request, while concurrent
// ones wait for it, and after a stale nonce each request that used it is repeated once under the new one.
//
// The algorithm is github.com/icholy/digest's. Its Transport is not used: it sends every request of a first burst
// twice, and writes once without credentials.
type digestAuth struct {
	client *Client
	cred   Credentials

	turn      turn
	challenge *digest.Challenge // nil before the first
	uses      int               // of the challenge's nonce
}

func newDigestAuth(c *Client, cred Credentials) *digestAuth {
	return &digestAuth{client: c, cred: cred, turn: newTurn()}
}

func (d *digestAuth) authorize(ctx context.Context, req *http.Request) error {
	if err := d.turn.take(ctx); err != nil {
		return err
	}
	defer d.turn.give()
	if d.challenge == nil {
		challenge, err := d.ask(ctx, req)
		if err != nil || challenge == nil {
			return err
		}
		d.challenge, d.uses = challenge, 0
	}
	d.uses++
	signed, err := digest.Digest(d.challenge, digest.Options{
		Method: req.Method, URI: req.URL.RequestURI(), GetBody: req.GetBody,
		Count: d.uses, Username: d.cred.PublicKey, Password: d.cred.PrivateKey,
	})
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", signed.String())
	return nil
}

// ask reads the path without credentials for the sake of the challenge in the answer; nil where the server wants
// no credentials or no digest.
func (d *digestAuth) ask(ctx context.Context, req *http.Request) (*digest.Challenge, error) {
	ctx, cancel := context.WithTimeout(withAbout(ctx, about{operation: "digest challenge", challenge: true}), d.client.timeout)
	defer cancel()
	probe, err := http.NewRequestWithContext(ctx, http.MethodGet, req.URL.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	probe.Header.Set("User-Agent", req.Header.Get("User-Agent"))
	probe.Header.Set("Accept", req.Header.Get("Accept"))
	res, err := d.client.http.Do(probe)
	if err != nil {
		return nil, err
	}
	defer drain(res.Body)
	if res.StatusCode != http.StatusUnauthorized {
		return nil, nil
	}
	challenge, err := digest.FindChallenge(res.Header)
	if err != nil {
		return nil, nil //nolint:nilerr // the request itself is then sent without credentials, and its answer tells
	}
	return challenge, nil
}

// refused takes the new challenge of a 401. Without one, or with a fresh nonce refused, the key is wrong.
func (d *digestAuth) refused(ctx context.Context, req *http.Request, res *http.Response, n int) bool {
	challenge, err := digest.FindChallenge(res.Header)
	if err != nil || n > 2 || (n == 2 && !challenge.Stale) {
		return false
	}
	if d.turn.take(ctx) != nil {
		return false
	}
	defer d.turn.give()
	used := ""
	if signed, err := digest.ParseCredentials(req.Header.Get("Authorization")); err == nil {
		used = signed.Nonce
	}
	if d.challenge == nil || d.challenge.Nonce == used {
		d.challenge, d.uses = challenge, 0
	}
	return true
}

// drain reads the rest of a small answer, so that its connection is used again.
func drain(body io.ReadCloser) {
	_, _ = io.Copy(io.Discard, io.LimitReader(body, 64<<10))
	_ = body.Close()
}
