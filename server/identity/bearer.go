package identity

import (
	"regexp"
	"strings"

	"github.com/wertfach/wertfach/custody/fault"
)

// maxToken is how long an authorization is at most, in bytes. Tokens with hundreds of
// groups are below it.
const maxToken = 16 << 10

// token is the form of a JSON Web Token in its compact form: header, claims,
// signature, each in base64url. None may be empty, so one without a signature
// gets no further.
var token = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// bearer gives the token in the value of a call's `authorization` metadata, which
// is of the form "Bearer TOKEN" (RFC 6750). Two tokens in it, as a proxy joins
// two headers, are none: one part of a system could take the first and another
// the second.
func bearer(authorization string) (string, error) {
	if len(authorization) > maxToken {
		return "", invalid("the token is too long")
	}
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || !token.MatchString(text) {
		return "", invalid("the authorization must be a bearer token: a signed JSON Web Token in its compact form")
	}
	return text, nil
}

// invalid refuses a token. The message says which rule it broke.
func invalid(message string) *fault.Error {
	return fault.New(fault.Unauthenticated, ReasonToken, "%s", message)
}
