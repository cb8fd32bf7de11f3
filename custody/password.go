package custody

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/wertfach/wertfach/custody/field"
)

// Argon2id (RFC 9106) with the parameters that OWASP's password storage advice
// gives for it: 19 MiB, two passes, one lane.
const (
	argonKiB    = 19 * 1024
	argonPasses = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
	// hashesAtOnce bounds the memory that hashing takes.
	hashesAtOnce = 2
)

// hashed replaces the values that are kept only as a hash.
func (c *Custodian) hashed(ctx context.Context, t *field.Table, values field.Values) (field.Values, error) {
	out := field.Values{}
	for path, text := range values {
		if s := t.Spec(path); s != nil && s.Hashed {
			select {
			case c.hashing <- struct{}{}:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			text = hashPassword(s.Normalise(values))
			<-c.hashing
		}
		out[path] = text
	}
	return out, nil
}

// hashPassword gives the PHC string of a password: algorithm, parameters, salt, hash.
func hashPassword(password string) string {
	salt := make([]byte, argonSalt)
	rand.Read(salt) // never fails: the process ends first
	key := argon2.IDKey([]byte(password), salt, argonPasses, argonKiB, argonLanes, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonKiB, argonPasses, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}
