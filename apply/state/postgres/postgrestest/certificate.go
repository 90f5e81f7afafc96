//go:build unix

package postgrestest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"time"
)

// selfSigned returns a key and a certificate for the loopback address that nobody but itself signed.
func selfSigned() (key, certificate string, err error) {
	private, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err1 != nil {
		return "", "", err1
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	signed, err1 := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	encoded, err2 := x509.MarshalECPrivateKey(private)
	key = string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded}))
	certificate = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}))
	return key, certificate, errors.Join(err1, err2)
}
