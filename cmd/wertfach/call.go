package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/internal/profile"
)

// How long a verb may take where --timeout does not say.
const (
	callTimeout     = time.Minute
	transferTimeout = 30 * time.Minute // the longest that a server takes one
)

// A verb asks a server and gives the answer to print, or nil.
type verb func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error)

// asks runs a verb with a client, and prints its answer.
func (c *cli) asks(do verb) func(*cobra.Command, []string) error {
	return c.asksWithin(callTimeout, do)
}

func (c *cli) asksWithin(timeout time.Duration, do verb) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		vault, err := c.open()
		if err != nil {
			return err
		}
		defer vault.Close()
		ctx, cancel := context.WithTimeout(cmd.Context(), cmp.Or(c.timeout, timeout))
		defer cancel()
		answer, err := do(ctx, vault, args)
		if err != nil || answer == nil {
			return err
		}
		return c.print(answer)
	}
}

// open makes a client by the profile.
func (c *cli) open() (*client.Client, error) {
	file := cmp.Or(c.profile, c.getenv(profileVariable))
	if file == "" {
		return nil, usageError{errors.New("which server? give a client profile by --profile FILE or " + profileVariable)}
	}
	p, err := profile.Read(file)
	if err != nil {
		return nil, usageError{fmt.Errorf("client profile: %w", err)}
	}
	vault, err := client.Open(client.Config{
		Address: p.Address, CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile, TokenFile: p.TokenFile,
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("client profile %s: %w", file, err)}
	}
	return vault, nil
}
