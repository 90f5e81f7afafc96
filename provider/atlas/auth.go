package atlas

import (
	"context"
	"net/http"
	"strings"

	"mercator/schema/diag"
)

// authorizer adds credentials to requests.
type authorizer interface {
	// authorize adds credentials to a request that is about to be sent. Errors are of a provider.Class.
	authorize(ctx context.Context, req *http.Request) error
	// refused is told that Atlas answered 401 to an authorized request, for the n-th time in one attempt counted
	// from 1, and reports whether new credentials are at hand, so that sending it again has a chance.
	refused(ctx context.Context, req *http.Request, res *http.Response, n int) bool
}

// newAuthorizer chooses by what the credentials hold and registers their secrets.
func newAuthorizer(c *Client, cfg Config) (authorizer, error) {
	cred := cfg.Credentials
	if found := cred.check(""); found.HasErrors() {
		return nil, found.Errors()[0]
	}
	c.secrets.add(cred.Token, cred.ClientSecret, cred.PrivateKey)
	switch cred.Method() {
	case MethodToken:
		if strings.ContainsAny(cred.Token, " \t\r\n") {
			return nil, diag.Errorf("bad_access_token", "The access token cannot be used",
				"%s holds white space; set it to the token alone, without \"Bearer\".", varToken[0])
		}
		return bearer(cred.Token), nil
	case MethodServiceAccount:
		return newServiceAccount(c, cred, cfg.CacheDir), nil
	default:
		return newDigestAuth(c, cred), nil
	}
}

// bearer is a ready token.
type bearer string

func (b bearer) authorize(_ context.Context, req *http.Request) error {
	req.Header.Set("Authorization", "Bearer "+string(b))
	return nil
}

func (bearer) refused(context.Context, *http.Request, *http.Response, int) bool { return false }

// turn is a mutex that a context can interrupt.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take(ctx context.Context) error {
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t turn) give() { <-t }
