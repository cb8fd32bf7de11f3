package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"
)

// CallTime is how long a call lasts at most.
const CallTime = 15 * time.Minute

// Calls proves hotline calls: that a caller at the telephone was verified as
// this customer, to this agent, not long ago. A proof is a short text that the
// agent's console sends with each request; it says nothing of either, and only
// the deployment's servers can make one.
type Calls struct {
	key []byte
	now func() time.Time
}

// NewCalls makes proofs under the key, which all servers of a deployment share.
func NewCalls(key []byte, now func() time.Time) Calls { return Calls{key: key, now: now} }

// Prove gives a call's id, which is random, and the proof that the agent was
// called by the customer. It holds for [CallTime].
func (c Calls) Prove(agent, institute, customer string) (id, proof string) {
	id = strings.ToLower(rand.Text())
	var until [8]byte
	binary.BigEndian.PutUint64(until[:], uint64(c.now().Add(CallTime).Unix()))
	mac := c.mac(id, until[:], agent, institute, customer)
	return id, strings.Join([]string{id, encode(until[:]), encode(mac)}, ".")
}

// Check gives the id of the call that the proof is of, if it is one of this
// agent and customer and has not ended.
func (c Calls) Check(proof, agent, institute, customer string) (id string, ok bool) {
	parts := strings.Split(proof, ".")
	if len(parts) != 3 || len(proof) > 256 {
		return "", false
	}
	until, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || len(until) != 8 {
		return "", false
	}
	mac, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(mac, c.mac(parts[0], until, agent, institute, customer)) {
		return "", false
	}
	left := time.Unix(int64(binary.BigEndian.Uint64(until)), 0).Sub(c.now())
	return parts[0], left > 0 && left <= CallTime
}

// mac is HMAC-SHA-256 (RFC 2104) over the parts, each after its length.
func (c Calls) mac(id string, until []byte, who ...string) []byte {
	h := hmac.New(sha256.New, c.key)
	var size [8]byte
	for _, part := range append([]string{"hotline call", id, string(until)}, who...) {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
