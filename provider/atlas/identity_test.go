package atlas_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
)

// TestIdentity asks who a credential is, for each way of authentication.
func TestIdentity(t *testing.T) {
	ctx := context.Background()
	reader := sandbox.Credential{Roles: []string{"ORG_MEMBER"}, ProjectRoles: map[string][]string{"shop": {"GROUP_OWNER"}}}
	key, account, ready := reader, reader, reader
	key.PublicKey, key.PrivateKey = "readerxx", sandbox.DefaultPrivateKey
	account.ClientID, account.ClientSecret = "mdb_sa_id_5a0db0c0ffee5a0db0c0fff0", "mdb_sa_sk_reader"
	ready.AccessToken = "reading-token"
	w := start(t, sandbox.Options{Orgs: []sandbox.Org{{ID: sandbox.DefaultOrgID, Credentials: []sandbox.Credential{
		{AccessToken: sandbox.DefaultAccessToken}, key, account, ready}}}}, token())
	project, _ := w.project("shop")
	grants := []atlas.Grant{{OrgID: sandbox.DefaultOrgID, Role: "ORG_MEMBER"}, {GroupID: project.ID, Role: "GROUP_OWNER"}}
	for _, c := range []struct {
		credentials atlas.Credentials
		name        string
		accessList  bool
	}{
		{atlas.Credentials{PublicKey: key.PublicKey, PrivateKey: key.PrivateKey}, key.PublicKey, true},
		{atlas.Credentials{ClientID: account.ClientID, ClientSecret: account.ClientSecret}, account.ClientID, false},
		{atlas.Credentials{Token: ready.AccessToken}, "token", true},
	} {
		client := w.connect(c.credentials)
		me, err := client.Identity(ctx, sandbox.DefaultOrgID)
		if err != nil || !me.Known || me.Name != c.name || me.Method != c.credentials.Method() || !slices.Equal(me.Grants, grants) {
			t.Errorf("%s is %+v (%v)", c.credentials.Method(), me, err)
		}
		if (me.AccessList != nil) != c.accessList {
			t.Errorf("%s: access list %q", c.credentials.Method(), me.AccessList)
		}
	}
}

// TestIdentityThatIsNotTold makes sure that a refusal is an error, not a credential without roles.
func TestIdentityThatIsNotTold(t *testing.T) {
	w := start(t, sandbox.Options{Faults: []sandbox.Fault{{Method: "GET", Path: "/serviceAccounts/", Action: sandbox.Status, Status: 403, ErrorCode: "USER_UNAUTHORIZED"}}},
		atlas.Credentials{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret})
	me, err := w.Identity(context.Background(), sandbox.DefaultOrgID)
	if provider.ClassOf(err) != provider.Denied || me.Known || me.Name != sandbox.DefaultClientID {
		t.Errorf("identity %+v, %v", me, err)
	}
}

// TestToken tells a token that was asked for now from one that an earlier run kept.
func TestToken(t *testing.T) {
	account := atlas.Credentials{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret}
	dir := t.TempDir()
	cached := func(cfg *atlas.Config) { cfg.CacheDir = dir }
	w := start(t, sandbox.Options{}, account, cached)
	for _, want := range []bool{true, false} {
		ends, fetched, err := w.connect(account, cached).Token(context.Background())
		if err != nil || fetched != want || ends.Sub(w.clock.Now()) != time.Hour {
			t.Errorf("the token ends %v, fetched %v, want %v (%v)", ends, fetched, want, err)
		}
	}
	if ends, fetched, err := w.connect(token()).Token(context.Background()); !ends.IsZero() || fetched || err != nil {
		t.Errorf("a ready token: %v %v %v", ends, fetched, err)
	}
}
