package httpstate

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/http/httptestserver"
	"mercator/apply/state/statetest"
)

func TestWrongSettings(t *testing.T) {
	const address = "https://example.com/state"
	for _, c := range []struct {
		values map[string]string
		want   []string
	}{
		{map[string]string{"address": "example.com/state"}, []string{`"address" is not an address like https://`}},
		{map[string]string{"address": "ftp://example.com"}, []string{`"address" is not an address`}},
		{map[string]string{"address": "https://ann:canary@example.com"}, []string{"set username and password instead"}},
		{map[string]string{"address": "https://ann:canary@example.com:port"}, []string{`"address" is not an address`}},
		{map[string]string{"address": address, "unlock_address": address}, []string{"lock_address is not"}},
		{map[string]string{"address": address, "lock_method": "POST IT"}, []string{`lock_method is "POST IT"`, "like LOCK"}},
		{map[string]string{"address": address, "retry_max": "many"}, []string{`retry_max is "many"`, "whole number"}},
		{map[string]string{"address": address, "retry_wait_min": "60"}, []string{"retry_wait_max is less than retry_wait_min"}},
		{map[string]string{"address": address, "headers": "canary: x"}, []string{"headers are not an object"}},
		{map[string]string{"address": address, "headers": `{"A B": "canary"}`}, []string{`headers: "A B"`}},
		{map[string]string{"address": address, "headers": `{"A": "canary\r\nB: c"}`}, []string{"more than one line"}},
		{map[string]string{"address": address, "skip_cert_verification": "maybe"}, []string{"true or false"}},
		{map[string]string{"address": address, "client_ca_certificate_pem": "ca.pem"}, []string{"no certificate in PEM"}},
		{map[string]string{"address": address, "client_certificate_pem": "x"}, []string{"belong together"}},
		{map[string]string{"address": address, "client_certificate_pem": "x", "client_private_key_pem": "canary"}, []string{"not a certificate and its key"}},
		{map[string]string{"address": "nowhere", "retry_max": "-1"}, []string{`"address" is not`, "retry_max"}},
	} {
		_, err := Backend().Open(state.Settings{Values: c.values})
		if err == nil {
			t.Errorf("%v is taken", c.values)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v does not say %q", c.values, err, want)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

// Each argument can come from Mercator's variable, and from Terraform's, of which Mercator's wins.
func TestEnvironment(t *testing.T) {
	for _, a := range Backend().Arguments {
		name := strings.ToUpper(a.Name)
		if !slices.Equal(a.Environment, []string{"MERCATOR_STATE_HTTP_" + name, "TF_HTTP_" + name}) {
			t.Errorf("%s comes from %v", a.Name, a.Environment)
		}
	}
}

// What a request carries: the user, the further headers, who asks, and the checksum of what is sent.
func TestRequests(t *testing.T) {
	var seen []*http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r)
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer server.Close()
	store := openAt(t, map[string]string{"address": server.URL + "/state?team=shop", "update_method": "put", "lock_address": server.URL + "/lock",
		"lock_method": "PUT", "unlock_address": server.URL + "/unlock", "unlock_method": "PATCH",
		"username": "ann", "password": "canary", "headers": `{"X-Team": "shop"}`}, statetest.NewClock())
	lease := lockFor(t, store, "a@host")
	if _, err := addBox(t, lease, "a"); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := []string{"PUT /lock", "GET /state?team=shop", "GET /state?team=shop", "PUT /state?ID=" + lease.Info().ID + "&team=shop", "PATCH /unlock"}
	for i, r := range seen {
		if i >= len(want) || r.Method+" "+r.URL.String() != want[i] {
			t.Fatalf("request %d is %s %s", i, r.Method, r.URL)
		}
		user, password, _ := r.BasicAuth()
		if user != "ann" || password != "canary" || r.Header.Get("X-Team") != "shop" || r.Header.Get("User-Agent") != "mercator/1.2.3" {
			t.Errorf("%s: headers %v", want[i], r.Header)
		}
		if carries := r.Method != http.MethodGet; carries != (r.Header.Get("Content-MD5") != "") || carries != (r.Header.Get("Content-Type") == "application/json") {
			t.Errorf("%s: headers %v", want[i], r.Header)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d requests, want %d", len(seen), len(want))
	}
}

func TestCredentials(t *testing.T) {
	s := serve(t, httptestserver.GitLab)
	s.Require("ann", "canary")
	for _, c := range []struct{ username, password, want string }{
		{"", "", "it asks for credentials"}, {"ann", "wrong-canary", "does not take the credentials"}, {"ann", "canary", ""},
	} {
		arguments := s.Arguments()
		arguments["username"], arguments["password"] = c.username, c.password
		_, err := openAt(t, arguments, statetest.NewClock()).Read(context.Background())
		switch {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary")):
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// What a server refuses is told with what would help, and without secrets.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		method, fault string
		status        int
		header        map[string]string
		want          []string
	}{
		{"GET", "", 401, nil, []string{"cannot read the state", "401 Unauthorized", "username and password"}},
		{"GET", "", 403, nil, []string{"403 Forbidden", "Maintainer"}},
		{"GET", `{"message":"the token canary has no scope api"}`, 403, nil, []string{"(the token (secret) has no scope api)"}},
		{"GET", "", 500, nil, []string{"500 Internal Server Error", "try again later"}},
		{"GET", "<html>canary</html>", 418, nil, []string{"418", "documentation or log"}},
		{"GET", "", 302, map[string]string{"Location": "https://elsewhere.example/canary"}, []string{"302 Found", "set the new address"}},
		{"LOCK", "", 403, nil, []string{"cannot lock the state", "Maintainer"}},
		{"LOCK", "", 404, nil, []string{"404 Not Found", "whether the address is right"}},
		{"LOCK", "", 405, nil, []string{"does not know the method LOCK", "lock_method"}},
		{"POST", "", 413, nil, []string{"cannot write the state", "413 Request Entity Too Large", "bytes, more than the server takes"}},
		{"POST", "", 404, nil, []string{"404"}},
		{"POST", "", 307, nil, []string{"redirections are not followed"}},
		{"POST", `{"error":"` + strings.Repeat("ä", 200) + `"}`, 422, nil, []string{"422", "ä..."}},
	} {
		s := serve(t, httptestserver.Terraform)
		arguments := s.Arguments()
		arguments["password"], arguments["address"] = "canary", arguments["address"]+"?token=canary"
		s.Require("", "canary")
		store := openAt(t, arguments, &quick{Clock: statetest.NewClock()})
		s.Fail(httptestserver.Fault{Method: c.method, Status: c.status, Body: c.fault, Header: c.header})
		lease, err := store.Lock(context.Background(), state.LockInfo{})
		if err == nil && c.method == "GET" {
			_, err = lease.Read(context.Background())
		} else if err == nil {
			_, err = addBox(t, lease, "a")
		}
		if err == nil {
			t.Errorf("%s answered with %d is no error", c.method, c.status)
			continue
		}
		for _, want := range append(c.want, s.URL+httptestserver.Path) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s %d: %v does not say %q", c.method, c.status, err, want)
			}
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s %d shows a secret: %v", c.method, c.status, err)
		}
	}
}

func TestUnreachable(t *testing.T) {
	s := httptestserver.New(httptestserver.Terraform)
	s.Close()
	arguments := s.Arguments()
	arguments["address"] += "?token=canary"
	store := openAt(t, arguments, &quick{Clock: statetest.NewClock()})
	_, reading := store.Read(context.Background())
	_, locking := store.Lock(context.Background(), state.LockInfo{})
	for _, err := range []error{reading, locking} {
		if err == nil || !strings.Contains(err.Error(), "gave no answer") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "unlock") {
			t.Errorf("got %v", err)
		}
	}
}

// A server that wants a certificate of its clients, with one of its own that no public authority knows.
func TestCertificates(t *testing.T) {
	authority := certify(t, nil)
	known := x509.NewCertPool()
	known.AddCert(authority.Leaf)
	s := httptestserver.NewTLS(httptestserver.Terraform, func(server *httptest.Server) {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*certify(t, authority)}, ClientCAs: known, ClientAuth: tls.RequireAndVerifyClientCert}
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshakes
	})
	t.Cleanup(s.Close)
	certificate, key := inPEM(t, certify(t, authority))
	ca, _ := inPEM(t, authority)
	both := map[string]string{"client_certificate_pem": certificate, "client_private_key_pem": key}
	for name, c := range map[string]struct {
		more map[string]string
		ok   bool
	}{
		"nothing":                 {nil, false},
		"no certificate":          {map[string]string{"client_ca_certificate_pem": ca}, false},
		"unknown authority":       {both, false},
		"everything":              {merged(both, map[string]string{"client_ca_certificate_pem": ca}), true},
		"unchecked":               {merged(both, map[string]string{"skip_cert_verification": "true"}), true},
		"unchecked, none to show": {map[string]string{"skip_cert_verification": "true"}, false},
	} {
		store := openAt(t, merged(s.Arguments(), c.more), &quick{Clock: statetest.NewClock()})
		if _, err := store.Read(context.Background()); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func merged(all ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range all {
		maps.Copy(out, m)
	}
	return out
}

// certify makes a certificate for this machine, signed by an authority, or one that is such an authority.
func certify(t *testing.T, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), BasicConstraintsValid: true, IsCA: by == nil,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func inPEM(t *testing.T, c *tls.Certificate) (certificate, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
