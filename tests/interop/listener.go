package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"
)

// fork is a listener for TLS that hands connections of gRPC to one server and all others to another. Who offers HTTP/2
// alone wants gRPC; the others are given HTTP/1.1. So that gRPC is served by grpc-go's own transport, which is stricter than
// the one of net/http.
type fork struct {
	net.Listener
	grpc, web branch
	authority []byte
}

type branch struct {
	net.Listener
	waiting chan net.Conn
}

// Accept waits for a connection of this sort.
func (b branch) Accept() (net.Conn, error) {
	connection, open := <-b.waiting
	if !open {
		return nil, net.ErrClosed
	}
	return connection, nil
}

func listen() (*fork, error) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	certificate, authority, err := certify()
	if err != nil {
		return nil, err
	}
	result := &fork{
		Listener:  plain,
		grpc:      branch{plain, make(chan net.Conn)},
		web:       branch{plain, make(chan net.Conn)},
		authority: authority,
	}
	go result.run(certificate)
	return result, nil
}

func (f *fork) run(certificate tls.Certificate) {
	offer := func(protocol string) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{protocol}, MinVersion: tls.VersionTLS12}
	}
	base := &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Equal(hello.SupportedProtos, []string{"h2"}) {
			return offer("h2"), nil
		}
		return offer("http/1.1"), nil
	}}
	for {
		plain, err := f.Listener.Accept()
		if err != nil {
			close(f.grpc.waiting)
			close(f.web.waiting)
			return
		}
		go func() {
			connection := tls.Server(plain, base)
			if connection.Handshake() != nil {
				_ = plain.Close()
				return
			}
			if connection.ConnectionState().NegotiatedProtocol == "h2" {
				f.grpc.waiting <- connection
			} else {
				f.web.waiting <- connection
			}
		}()
	}
}

// certify creates a certificate for localhost and returns its authority.
func certify() (result tls.Certificate, authority []byte, err error) {
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "interop authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: issuer.NotBefore, NotAfter: issuer.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	issuerKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return result, nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return result, nil, err
	}
	issued, err := x509.CreateCertificate(rand.Reader, issuer, issuer, &issuerKey.PublicKey, issuerKey)
	if err != nil {
		return result, nil, err
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, issuer, &leafKey.PublicKey, issuerKey)
	if err != nil {
		return result, nil, err
	}
	authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: issued})
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: leafKey}, authority, nil
}
