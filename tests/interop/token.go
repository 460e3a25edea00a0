package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	keyID         = "interop-key"
	// A connector renews its token ten seconds before the end: nearly every call of a day is under a new one.
	tokenLife = 11 * time.Second
	// The SDK's assertions begin two minutes before they are made and end two minutes after.
	assertionSpan = 120
)

// door lets in one client: it checks its assertions, gives out tokens, and checks those.
type door struct {
	clientID string
	audience string
	key      ed25519.PublicKey

	lock     sync.Mutex
	nonces   map[string]bool
	tokens   map[string]time.Time
	problems []string
}

// ServeHTTP is the token endpoint.
func (d *door) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	token, err := d.signIn(request)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sign-in:", err)
		d.lock.Lock()
		d.problems = append(d.problems, "sign-in: "+err.Error())
		d.lock.Unlock()
		http.Error(answer, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	answer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(answer).Encode(map[string]any{
		"access_token": token, "token_type": "bearer", "expires_in": int(tokenLife / time.Second),
	})
}

func (d *door) signIn(request *http.Request) (string, error) {
	switch {
	case request.Method != http.MethodPost:
		return "", errors.New("it is no POST")
	case request.URL.Path != "/auth/v1/token" || request.URL.RawQuery != "":
		return "", fmt.Errorf("the address is %s", request.URL)
	case request.Header.Get("Content-Type") != "application/x-www-form-urlencoded":
		return "", fmt.Errorf("the content is %q", request.Header.Get("Content-Type"))
	case !strings.HasPrefix(request.UserAgent(), "baton-c1-credential-provider "):
		return "", fmt.Errorf("the user agent is %q", request.UserAgent())
	}
	if err := request.ParseForm(); err != nil {
		return "", err
	}
	wanted := map[string]string{"client_id": d.clientID, "grant_type": "client_credentials", "client_assertion_type": assertionType}
	for name, text := range wanted {
		if got := request.PostForm[name]; !slices.Equal(got, []string{text}) {
			return "", fmt.Errorf("%s is %q", name, got)
		}
	}
	if len(request.PostForm) != len(wanted)+1 || len(request.PostForm["client_assertion"]) != 1 {
		return "", errors.New("the form has other fields")
	}
	nonce, err := d.verify(request.PostForm.Get("client_assertion"), time.Now().Unix())
	if err != nil {
		return "", err
	}
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.nonces[nonce] {
		return "", errors.New("the nonce was used before")
	}
	d.nonces[nonce] = true
	token := fmt.Sprintf("interop-token-%d", len(d.tokens)+1)
	d.tokens[token] = time.Now().Add(tokenLife)
	return token, nil
}

// verify takes an assertion exactly as the SDK makes it, and nothing else; it returns the nonce.
func (d *door) verify(assertion string, now int64) (string, error) {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return "", errors.New("the assertion has not three parts")
	}
	var header struct{ Alg, Kid, Nonce string }
	var claims struct {
		Iss, Sub, Aud string
		Iat, Nbf, Exp int64
	}
	if err := errors.Join(strict(parts[0], &header), strict(parts[1], &claims)); err != nil {
		return "", err
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return "", err
	}
	nonce, err := hex.DecodeString(header.Nonce)
	switch {
	case header.Alg != "EdDSA" || header.Kid != keyID:
		return "", fmt.Errorf("the header is %+v", header)
	case err != nil || len(nonce) != 16:
		return "", fmt.Errorf("the nonce is %q", header.Nonce)
	case !ed25519.Verify(d.key, []byte(parts[0]+"."+parts[1]), signature):
		return "", errors.New("the signature is not the client's")
	case claims.Iss != d.clientID || claims.Sub != d.clientID || claims.Aud != d.audience:
		return "", fmt.Errorf("the claims are %+v", claims)
	case claims.Iat > now || claims.Iat < now-30:
		return "", fmt.Errorf("it was made at %d, and it is %d", claims.Iat, now)
	case claims.Nbf != claims.Iat-assertionSpan || claims.Exp != claims.Iat+assertionSpan:
		return "", fmt.Errorf("it is good from %d to %d", claims.Nbf, claims.Exp)
	}
	return header.Nonce, nil
}

// strict reads one part of an assertion, which may hold nothing but the fields of value.
func strict(part string, value any) error {
	text, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return err
	}
	reader := json.NewDecoder(strings.NewReader(string(text)))
	reader.DisallowUnknownFields()
	return reader.Decode(value)
}

// admit checks the authorization of a call.
func (d *door) admit(authorization []string) error {
	if len(authorization) != 1 {
		return fmt.Errorf("there are %d authorizations", len(authorization))
	}
	token, bearer := strings.CutPrefix(authorization[0], "Bearer ")
	d.lock.Lock()
	defer d.lock.Unlock()
	until, known := d.tokens[token]
	if !bearer || !known || time.Now().After(until) {
		return errors.New("the token is not good")
	}
	return nil
}

// signIns is how often tokens were given out, and why they were not.
func (d *door) signIns() (int, []string) {
	d.lock.Lock()
	defer d.lock.Unlock()
	return len(d.tokens), slices.Clone(d.problems)
}
