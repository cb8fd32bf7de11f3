package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxToken is how long a token is at most, in bytes; a server takes no longer one.
const maxToken = 16 << 10

// callHeader is the metadata that says which hotline call a request belongs to.
const callHeader = "wertfach-call"

// WithCall gives a context whose requests belong to a hotline call: the agent's
// proof that a caller at the telephone was verified as this customer. It stands
// in place of an earlier one; with an empty call there is none any more.
func WithCall(ctx context.Context, call string) context.Context {
	md, found := metadata.FromOutgoingContext(ctx) // a copy
	switch {
	case call == "" && !found:
		return ctx
	case !found:
		md = metadata.MD{}
	}
	md.Delete(callHeader)
	if call != "" {
		md.Set(callHeader, call)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

// FromTokenFile are credentials for a connection: each of its calls sends the
// token in the file, read for that call, so that a renewed one is taken up at
// once. It goes over TLS only. [Config.TokenFile] is the usual way to use it.
func FromTokenFile(file string) credentials.PerRPCCredentials { return tokenFile(file) }

type tokenFile string

// GetRequestMetadata is the header with the token.
func (f tokenFile) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := f.read()
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity keeps the token off plain connections.
func (tokenFile) RequireTransportSecurity() bool { return true }

// read gives the token. Its errors name the file, never what it holds.
func (f tokenFile) read() (string, error) {
	text, err := os.ReadFile(string(f))
	if err != nil {
		return "", fmt.Errorf("the person's token: %w", err)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 || len(text) > maxToken || bytes.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the person's token: " + string(f) + " does not hold one")
	}
	return string(text), nil
}
