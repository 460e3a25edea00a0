package main

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/crypto"
	"github.com/conductorone/baton-sdk/pkg/ugrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// serve plays ConductorOne for one connector: its token endpoint and its BatonService, the latter from the SDK's generated
// code. It prints what a connector needs to know, then a line for every task of the day as it ends, and in the end what was
// wrong. After the line "ready" it waits for a line on its input before it goes on.
func serve(ctx context.Context, arguments []string) error {
	listener, err := listen()
	if err != nil {
		return err
	}
	host := "localhost:" + fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	clientID := "interop-otter-12345@" + host + "/interop"
	secret, err := clientSecret(public, private)
	if err != nil {
		return err
	}
	door := &door{clientID: clientID, audience: "localhost", key: public, nonces: map[string]bool{}, tokens: map[string]time.Time{}}
	office := newOffice(door, arguments[0])
	server := grpc.NewServer(grpc.UnaryInterceptor(office.unary), grpc.StreamInterceptor(office.stream))
	v1.RegisterBatonServiceServer(server, office)
	go func() { _ = server.Serve(listener.grpc) }()
	go func() { _ = http.Serve(listener.web, door) }()
	defer server.Stop()

	// The SDK's own client is let in: the door is as the SDK thinks that it is.
	if err := reference(ctx, host, clientID, secret, listener.authority, arguments[0]); err != nil {
		return fmt.Errorf("the SDK's own client: %w", err)
	}
	office.open()
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(line{"client_id": clientID, "client_secret": secret, "ca": string(listener.authority)}); err != nil {
		return err
	}
	input := bufio.NewScanner(os.Stdin)
	for report := range office.report {
		if err := encoder.Encode(report); err != nil {
			return err
		}
		if report["task"] == "ready" {
			input.Scan()
			office.proceed <- struct{}{}
		}
	}
	// The connector is stopped by whoever started it; until then it may still say something that is wrong.
	input.Scan()
	signIns, problems := door.signIns()
	return encoder.Encode(line{"sign_ins": signIns, "problems": append(problems, office.wrong()...)})
}

// clientSecret is a key in the form in which ConductorOne gives it out, as the SDK reads it.
func clientSecret(public ed25519.PublicKey, private ed25519.PrivateKey) (string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	key, err := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": keyID, "x": encode(public), "d": encode(private.Seed())})
	if err != nil {
		return "", err
	}
	secret := "secret-token:conductorone.com:v1:" + encode(key)
	_, err = crypto.ParseClientSecret([]byte(secret), false)
	return secret, err
}

// reference signs in with the SDK's code and makes one call with the token.
func reference(ctx context.Context, host, clientID, secret string, authority []byte, folder string) error {
	path := filepath.Join(folder, "authority.pem")
	if err := errors.Join(os.WriteFile(path, authority, 0o600), os.Setenv("SSL_CERT_FILE", path)); err != nil {
		return err
	}
	provider, _, _, err := ugrpc.NewC1CredentialProvider(ctx, clientID, secret)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	connection, err := grpc.NewClient(host,
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "")), grpc.WithPerRPCCredentials(provider))
	if err != nil {
		return err
	}
	_, err = v1.NewBatonServiceClient(connection).GetTask(ctx, &v1.BatonServiceGetTaskRequest{HostId: "reference"})
	return errors.Join(err, connection.Close())
}
