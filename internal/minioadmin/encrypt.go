package minioadmin

import (
	"bytes"
	"crypto/rand"

	"github.com/secure-io/sio-go"
	"golang.org/x/crypto/argon2"
)

// MinIO takes secrets encrypted under a key that is derived from the caller's
// own secret key:
//
//	salt (32 bytes) | 0x00 for Argon2id and AES-256-GCM | nonce (8 bytes) | stream
const (
	saltSize       = 32
	withAESGCM     = 0x00
	argonPasses    = 1
	argonKiB       = 64 << 10
	argonLanes     = 4
	derivedKeySize = 32
)

// encrypt gives what MinIO decrypts with the secret key.
func encrypt(secretKey string, plain []byte) ([]byte, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	stream, err := sio.AES_256_GCM.Stream(argon2.IDKey([]byte(secretKey), salt, argonPasses, argonKiB, argonLanes, derivedKeySize))
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, stream.NonceSize())
	rand.Read(nonce)
	out := bytes.NewBuffer(append(append(salt, withAESGCM), nonce...))
	w := stream.EncryptWriter(out, nonce, nil)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
