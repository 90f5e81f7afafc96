package atlas

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"mercator/schema"
)

// tokenPath is where a service account's tokens come from.
const tokenPath = "/api/oauth/token"

// tokenEndpoint describes the token request to the rate budget, the repeats and the errors. A token may be asked
// for again: a second one does no harm.
var tokenEndpoint = &schema.Endpoint{Operation: "oauthToken", Method: http.MethodPost, Path: tokenPath, Upsert: true}

const (
	// tokenMargin is how long before its end a token is replaced: more than one request's time limit.
	tokenMargin = 2 * time.Minute
	// tokenTrust is how long a token that this process fetched is believed in although Atlas answers 401, which
	// it also does where a role is missing. It bounds the token requests that refusals cause to one in that time.
	tokenTrust = time.Minute
)

// token is a bearer token and when it ends.
type token struct {
	Text    string    `json:"access_token"`
	Expires time.Time `json:"expires"`
	// fetched is when this process asked for it, zero for one from the cache.
	fetched time.Time
}

// serviceAccount authorizes by OAuth 2.0 client credentials (RFC 6749, 4.4). Atlas limits token requests to ten a
// minute, so a token is used until shortly before its end, by every request and every run.
type serviceAccount struct {
	client *Client
	config clientcredentials.Config
	cache  tokenCache

	turn  turn
	token token
}

func newServiceAccount(c *Client, cred Credentials, dir string) *serviceAccount {
	c.secrets.add(url.QueryEscape(cred.ClientID) + ":" + url.QueryEscape(cred.ClientSecret))
	return &serviceAccount{
		client: c,
		config: clientcredentials.Config{
			ClientID: cred.ClientID, ClientSecret: cred.ClientSecret,
			TokenURL: c.base + tokenPath, AuthStyle: oauth2.AuthStyleInHeader,
		},
		cache: newTokenCache(dir, c.base, cred),
		turn:  newTurn(),
	}
}

func (s *serviceAccount) authorize(ctx context.Context, req *http.Request) error {
	if err := s.turn.take(ctx); err != nil {
		return err
	}
	defer s.turn.give()
	if !s.usable(s.token) {
		if err := s.renew(ctx, ""); err != nil {
			return err
		}
	}
	req.Header.Set("Authorization", "Bearer "+s.token.Text)
	return nil
}

func (s *serviceAccount) usable(t token) bool {
	return t.Text != "" && s.client.clock.Now().Add(tokenMargin).Before(t.Expires)
}

// refused replaces a token that may have been revoked, once.
func (s *serviceAccount) refused(ctx context.Context, req *http.Request, _ *http.Response, n int) bool {
	if n > 1 || s.turn.take(ctx) != nil {
		return false
	}
	defer s.turn.give()
	if req.Header.Get("Authorization") != "Bearer "+s.token.Text {
		return true // another request has replaced it already
	}
	if !s.token.fetched.IsZero() && s.client.clock.Now().Sub(s.token.fetched) < tokenTrust {
		return false
	}
	return s.renew(ctx, s.token.Text) == nil
}

// renew takes a token from the cache, unless it is the bad one, or fetches one and keeps it. Processes that share
// the cache take turns, so that they fetch one token between them.
func (s *serviceAccount) renew(ctx context.Context, bad string) error {
	unlock := s.cache.lock(ctx)
	defer unlock()
	if t, ok := s.cache.load(); ok && t.Text != bad && s.usable(t) {
		s.client.secrets.add(t.Text)
		s.token = t
		return nil
	}
	t, err := s.fetch(ctx)
	if err != nil {
		return err
	}
	s.client.secrets.add(t.Text)
	s.token = t
	if err := s.cache.store(t); err != nil {
		s.client.log.DebugContext(ctx, "the token is not kept for the next run", "error", err)
	}
	return nil
}

func (s *serviceAccount) fetch(ctx context.Context) (token, error) {
	c := s.client
	r := &request{endpoint: tokenEndpoint, path: tokenPath}
	var got token
	_, err := c.repeat(ctx, r, func(ctx context.Context, try int) outcome {
		ctx, cancel := context.WithTimeout(withAbout(ctx, about{operation: tokenEndpoint.Operation, attempt: try, token: true}), c.timeout)
		defer cancel()
		asked := c.clock.Now()
		t, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, c.http))
		var refusal *oauth2.RetrieveError
		switch {
		case errors.As(err, &refusal) && refusal.Response.StatusCode/100 != 2:
			return c.judge(r, refusal.Response, refusal.Body)
		case err != nil:
			return c.broken(r, err, false)
		}
		got = token{Text: t.AccessToken, Expires: asked.Add(lifetime(t)), fetched: asked}
		return outcome{}
	})
	return got, err
}

// lifetime is how long a token lasts, by what the answer says; an hour where it says nothing, as Atlas documents.
func lifetime(t *oauth2.Token) time.Duration {
	if seconds, ok := t.Extra("expires_in").(float64); ok && seconds > 0 && seconds < 1e8 {
		return time.Duration(seconds) * time.Second
	}
	return time.Hour
}
