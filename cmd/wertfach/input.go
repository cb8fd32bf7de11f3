package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wertfach/wertfach/cmd/wertfach/internal/apijson"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
)

// maxInput bounds an input file, in bytes: a server takes messages of
// 1 MiB, or what its configuration says, and that is 8 MiB at most.
const maxInput = 8 << 20

func filesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "files",
		Short: "what input files hold",
		Long: `Input files (-f FILE, or -f - for standard input) hold resources of the API as JSON,
the same that the verbs print. Names of fields are written as in answers (simCard) or as
in the schema (sim_card). Unknown fields are refused. The schema in proto/wertfach/v1
tells of every field.

A customer, for "customer enrol":

  {
    "name": "institutes/musterbank/customers/4711",
    "givenName": "Anna", "familyName": "Muster", "dateOfBirth": "1984-05-17",
    "iban": "DE89 3704 0044 0532 0130 00",
    "address": {"street": "Lindenallee 7", "postalCode": "10115", "locality": "Berlin"},
    "phonePassword": "Blaue Donau",
    "services": ["SERVICE_SIM_CARD_PROTECTION", "SERVICE_BIKE_PROTECTION"]
  }

An artefact, for "artefact register": one of bike, simCard, paymentCard, device and
document. A list of artefacts, [{...}, {...}] or {"artefacts": [{...}, {...}]}, is
registered as a whole or not at all.

  {
    "label": "telephone",
    "simCard": {"iccid": "8949 0200 0000 0000 014", "pin": "4711", "puk": "12345678"}
  }

For "customer update" and "artefact update" a file holds what changes: what stands in it
is set, what stands in it empty ("" or null) is cleared, what does not stand in it stays.
With an etag it is refused where somebody else came first. What only the server sets is
passed over, so the answer of "get" can be edited and given back: without its masked
values, and that of a customer without "services" too, which an update does not change.`,
	}
}

// fileFlag adds -f, which is needed.
func fileFlag(cmd *cobra.Command, file *string, what string) *cobra.Command {
	cmd.Flags().StringVarP(file, "file", "f", "", what+" as JSON in `FILE`; - for standard input")
	return must(cmd, "file")
}

// read reads an input file.
func (c *cli) read(ctx context.Context, file string) (apijson.Value, error) {
	content, err := c.contentOf(ctx, file, maxInput)
	if err != nil {
		return apijson.Value{}, err
	}
	return apijson.Parse(spoken(file), content)
}

// spoken is how messages call an input file.
func spoken(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// contentOf reads a small file, - being standard input. It does not wait for
// somebody at a keyboard, or at the other end of a pipe, longer than ctx lasts:
// the read that is under way then is left behind and ends with the process.
func (c *cli) contentOf(ctx context.Context, file string, limit int64) ([]byte, error) {
	type outcome struct {
		content []byte
		err     error
	}
	done := make(chan outcome, 1)
	go func() {
		content, err := c.readAll(file, limit)
		done <- outcome{content, err}
	}()
	select {
	case read := <-done:
		return read.content, read.err
	case <-ctx.Done():
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, fault.Wrap(ctx.Err(), fault.Unavailable, grpcfault.ReasonDeadline, "the time was up before "+spoken(file)+" came to its end")
	}
	return nil, ctx.Err()
}

func (c *cli) readAll(file string, limit int64) ([]byte, error) {
	in := c.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, usageError{err}
	}
	if int64(len(content)) > limit {
		return nil, fault.New(fault.Exhausted, "TOO_LARGE", "%s has more than %d MiB", spoken(file), limit>>20)
	}
	return content, nil
}

// named is a resource with a name.
type named interface {
	proto.Message
	GetName() string
}

// readUpdate reads a file that holds changes of the resource called name into
// it, and gives the mask of what changes.
func (c *cli) readUpdate(ctx context.Context, file, name string, resource named, prefix string) (*fieldmaskpb.FieldMask, error) {
	v, err := c.read(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := v.Into(resource, prefix); err != nil {
		return nil, err
	}
	if given := resource.GetName(); given != "" && given != name {
		return nil, fault.Field(prefix+"name", "name.differs", fmt.Sprintf("must be the NAME of the command line, or left out (%s)", file))
	}
	paths, err := v.Paths(resource, prefix)
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fault.Field(file, "json.update", "must hold a field that changes")
	}
	return &fieldmaskpb.FieldMask{Paths: paths}, nil
}
