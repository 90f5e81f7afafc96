package sandbox

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"time"

	"github.com/google/renameio/v2"
)

// Endpoint is a sandbox that is being served.
type Endpoint struct {
	// URL is where clients find it, such as "http://127.0.0.1:41234".
	URL string

	server *http.Server
	after  func() error
	done   chan error
}

// Serve serves a handler on an address ("" means a free port on the loopback interface), with TLS if a
// certificate is given.
func Serve(h http.Handler, listen string, cert *Certificate) (*Endpoint, error) {
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("serve the sandbox: %w", err)
	}
	e := &Endpoint{URL: "http://" + listener.Addr().String(), done: make(chan error, 1),
		server: &http.Server{Handler: h, ReadHeaderTimeout: 30 * time.Second}}
	if cert != nil {
		e.URL = "https://" + listener.Addr().String()
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{cert.pair}, MinVersion: tls.VersionTLS12})
	}
	go func() { e.done <- e.server.Serve(listener) }()
	return e, nil
}

// Handler returns what the endpoint serves, to be served at another address too.
func (e *Endpoint) Handler() http.Handler { return e.server.Handler }

// Wait returns when the endpoint has been closed, or with the error that ended it.
func (e *Endpoint) Wait() error {
	err := <-e.done
	e.done <- err
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close takes no more requests, lets running ones end for up to five seconds, and gives up what the
// endpoint holds.
func (e *Endpoint) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := e.server.Shutdown(ctx)
	if err != nil {
		err = e.server.Close()
	}
	if e.after != nil {
		err = errors.Join(err, e.after())
	}
	return err
}

// Certificate is a certificate that signed itself, for TLS on this machine.
type Certificate struct {
	// PEM is what a client has to trust.
	PEM  []byte
	pair tls.Certificate
}

// NewCertificate makes a certificate for localhost and the loopback addresses, good for a day. Its key
// stays in memory.
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "sandbox"},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return &Certificate{PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pair: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}, nil
}

// WriteFile writes the certificate, not its key, where clients can read it.
func (c *Certificate) WriteFile(path string) error {
	if err := renameio.WriteFile(path, c.PEM, 0o644); err != nil {
		return fmt.Errorf("write the certificate: %w", err)
	}
	return nil
}
