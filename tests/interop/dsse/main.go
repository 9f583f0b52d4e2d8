// SPDX-License-Identifier: MIT

// dsse verifies an envelope with go-securesystemslib: dsse THRESHOLD ENVELOPE KEY.pub...
// Prints the payload; exit code 1 when the envelope is refused, 2 for trouble.
package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

type key struct {
	public ed25519.PublicKey
	id     string
}

func (k key) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.public, data, sig) {
		return errors.New("the signature does not hold")
	}
	return nil
}

func (k key) KeyID() (string, error)   { return k.id, nil }
func (k key) Public() crypto.PublicKey { return k.public }

func load(path string) (key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return key{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return key{}, errors.New(path + ": no PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return key{}, err
	}
	raw, ok := public.(ed25519.PublicKey)
	if !ok {
		return key{}, errors.New(path + ": not Ed25519")
	}
	id := sha256.Sum256(block.Bytes)
	return key{raw, hex.EncodeToString(id[:])}, nil
}

func run(args []string) (payload []byte, refused, trouble error) {
	if len(args) < 3 {
		return nil, nil, errors.New("dsse THRESHOLD ENVELOPE KEY.pub...")
	}
	threshold, err := strconv.Atoi(args[0])
	if err != nil {
		return nil, nil, err
	}
	var keys []dsse.Verifier
	for _, path := range args[2:] {
		k, err := load(path)
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, k)
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return nil, nil, err
	}
	var envelope dsse.Envelope
	if err := json.Unmarshal(text, &envelope); err != nil {
		return nil, nil, err
	}
	verifier, err := dsse.NewMultiEnvelopeVerifier(threshold, keys...)
	if err != nil {
		return nil, err, nil
	}
	if _, err := verifier.Verify(context.Background(), &envelope); err != nil {
		return nil, err, nil
	}
	payload, err = envelope.DecodeB64Payload()
	return payload, nil, err
}

func main() {
	payload, refused, trouble := run(os.Args[1:])
	switch {
	case trouble != nil:
		fmt.Fprintln(os.Stderr, trouble)
		os.Exit(2)
	case refused != nil:
		fmt.Fprintln(os.Stderr, refused)
		os.Exit(1)
	}
	os.Stdout.Write(payload)
}
