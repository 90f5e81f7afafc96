// Package httpstate keeps a state behind the protocol of Terraform's http backend, which GitLab, Gitea and many
// small servers speak: GET, POST and DELETE of one document, and LOCK and UNLOCK with a description of who locks.
//
// The protocol has no leases, no conditional writes and no journal (R34). A lock lasts until it is unlocked, and the
// state is written whole. What can be done in it is: a write reads first and refuses what others have changed, and
// an answer that is lost on its way does no harm, because each lock and each state is known again by what it says.
package httpstate

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"mercator/apply/state"
)

// Backend returns the store as configurations name it: state "http" { address = "https://..." }.
func Backend() state.Backend {
	return state.Backend{Name: "http", Arguments: arguments(), Open: open}
}

func arguments() []state.Argument {
	list := []state.Argument{
		{Name: "address", Required: true, Help: "the address of the state"},
		{Name: "update_method", Help: "the method of a write; POST unless set"},
		{Name: "lock_address", Help: "the address of its lock; nothing guards the state unless it is set"},
		{Name: "lock_method", Help: "the method that takes the lock; LOCK unless set"},
		{Name: "unlock_address", Help: "the address that ends the lock; lock_address unless set"},
		{Name: "unlock_method", Help: "the method that ends the lock; UNLOCK unless set"},
		{Name: "username", Help: "the user, for basic authentication"},
		{Name: "password", Sensitive: true, Help: "the user's password or token"},
		{Name: "headers", Sensitive: true, Help: "further headers of every request, an object of texts"},
		{Name: "skip_cert_verification", Help: "true trusts every server's certificate; false unless set"},
		{Name: "client_ca_certificate_pem", Help: "the certificates, in PEM, that the server's is checked with; the system's unless set"},
		{Name: "client_certificate_pem", Help: "the certificate, in PEM, to show the server"},
		{Name: "client_private_key_pem", Sensitive: true, Help: "the private key of that certificate, in PEM"},
		{Name: "retry_max", Help: "how often a request is repeated; 5 unless set"},
		{Name: "retry_wait_min", Help: "seconds before the first repetition, twice as many before each further one; 1 unless set"},
		{Name: "retry_wait_max", Help: "seconds before a repetition at most; 30 unless set"},
	}
	for i := range list {
		name := strings.ToUpper(list[i].Name)
		list[i].Environment = []string{"MERCATOR_STATE_HTTP_" + name, "TF_HTTP_" + name}
	}
	return list
}

// client knows the server and how to speak to it.
type client struct {
	http                                   *http.Client
	address, lockAddress, unlockAddress    *url.URL // the last two are nil without locking
	updateMethod, lockMethod, unlockMethod string
	username, password                     string
	headers                                map[string]string
	retries                                int
	waitMin, waitMax                       time.Duration
	clock                                  state.Clock
	agent                                  string
}

func open(s state.Settings) (state.Store, error) {
	in := settings{values: s.Values}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = in.tls()
	c := &client{
		http:          &http.Client{Transport: transport, CheckRedirect: stay},
		address:       in.address("address"),
		lockAddress:   in.address("lock_address"),
		unlockAddress: in.address("unlock_address"),
		updateMethod:  in.method("update_method", http.MethodPost),
		lockMethod:    in.method("lock_method", "LOCK"),
		unlockMethod:  in.method("unlock_method", "UNLOCK"),
		username:      s.Values["username"],
		password:      s.Values["password"],
		headers:       in.headers(),
		retries:       in.number("retry_max", 5),
		waitMin:       time.Duration(in.number("retry_wait_min", 1)) * time.Second,
		waitMax:       time.Duration(in.number("retry_wait_max", 30)) * time.Second,
		clock:         s.Clock,
		agent:         "mercator/" + s.Version,
	}
	c.unlockAddress = cmp.Or(c.unlockAddress, c.lockAddress)
	if c.lockAddress == nil && c.unlockAddress != nil {
		in.wrong("unlock_address is set and lock_address is not; set both, or lock_address alone where they are the same")
	}
	if c.waitMax < c.waitMin {
		in.wrong("retry_wait_max is less than retry_wait_min: %s and %s", c.waitMax, c.waitMin)
	}
	if err := errors.Join(in.errors...); err != nil {
		return nil, err
	}
	return &Store{client: c, catalog: s.Catalog}, nil
}

// stay follows no redirection: Go would make a GET of a write, and hand headers with secrets to another server.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// settings reads the arguments, and gathers what is wrong with them.
type settings struct {
	values map[string]string
	errors []error
}

func (s *settings) wrong(format string, args ...any) {
	s.errors = append(s.errors, fmt.Errorf(format, args...))
}

// address returns an argument that is an address, nil where it is not set. What is wrong with one is told without
// it: it may hold a password.
func (s *settings) address(name string) *url.URL {
	text := s.values[name]
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		s.wrong("%q is not an address like https://gitlab.example.com/api/v4/projects/1/terraform/state/shop", name)
	case u.User != nil:
		s.wrong("%q holds a user or a password; set username and password instead, which are never shown", name)
	}
	return u
}

var token = regexp.MustCompile(`^[A-Za-z]+$`)

func (s *settings) method(name, standard string) string {
	method := cmp.Or(s.values[name], standard)
	if !token.MatchString(method) {
		s.wrong("%s is %q, and should be the name of an HTTP method like %s", name, method, standard)
	}
	return strings.ToUpper(method)
}

func (s *settings) number(name string, standard int) int {
	text, ok := s.values[name]
	if !ok || text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 3600 {
		s.wrong("%s is %q, and should be a whole number from 0 to 3600", name, text)
	}
	return n
}

func (s *settings) headers() map[string]string {
	text := s.values["headers"]
	if text == "" {
		return nil
	}
	var headers map[string]string
	if err := json.Unmarshal([]byte(text), &headers); err != nil {
		s.wrong(`headers are not an object of texts like { "X-Team" = "shop" } (on the command line and in the environment, as JSON)`)
	}
	for name, value := range headers {
		if !headerName.MatchString(name) || strings.ContainsAny(value, "\r\n\x00") {
			s.wrong("headers: %q is not the name of a header, or its value has more than one line", name)
		}
	}
	return headers
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// tls reads the arguments about certificates.
func (s *settings) tls() *tls.Config {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if text := s.values["skip_cert_verification"]; text != "" {
		skip, err := strconv.ParseBool(text)
		if err != nil {
			s.wrong("skip_cert_verification is %q, and should be true or false", text)
		}
		out.InsecureSkipVerify = skip
	}
	if pem := s.values["client_ca_certificate_pem"]; pem != "" {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM([]byte(pem)) {
			s.wrong("client_ca_certificate_pem holds no certificate in PEM; give the text of the file, with file(\"ca.pem\")")
		}
	}
	certificate, key := s.values["client_certificate_pem"], s.values["client_private_key_pem"]
	switch {
	case certificate == "" && key == "":
	case certificate == "" || key == "":
		s.wrong("client_certificate_pem and client_private_key_pem belong together, and one is not set")
	default:
		pair, err := tls.X509KeyPair([]byte(certificate), []byte(key))
		if err != nil {
			s.wrong("client_certificate_pem and client_private_key_pem are not a certificate and its key in PEM: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out
}
