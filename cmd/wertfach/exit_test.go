package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/custody/receipt"
	"github.com/wertfach/wertfach/internal/grpcfault"
)

type ownCode struct{ error }

// ExitCode is one that no verb uses.
func (ownCode) ExitCode() int { return 77 }

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for want, errs := range map[int][]error{
		exitOK:          {nil},
		exitInternal:    {errors.New("x"), fault.New(fault.Internal, "INTERNAL", "internal error")},
		exitUsage:       {usageError{os.ErrNotExist}, fmt.Errorf("photo.jpg: %w", usageError{os.ErrNotExist})},
		exitInvalid:     {fault.Field("a", "b", "c"), fmt.Errorf("photo.jpg: %w", fault.Field("a", "b", "c"))},
		exitNotFound:    {fault.New(fault.NotFound, "X", "x")},
		exitState:       {fault.New(fault.Exists, "X", "x"), fault.New(fault.Precondition, "X", "x"), fault.New(fault.Aborted, "X", "x")},
		exitDenied:      {fault.New(fault.Denied, "X", "x"), fault.New(fault.Unauthenticated, "X", "x")},
		exitUnavailable: {fault.New(fault.Unavailable, "X", "x"), grpcfault.FromStatus(grpcfault.Status(context.DeadlineExceeded).Err())},
		exitCorrupt:     {fault.New(fault.Corrupt, "X", "x")},
		exitExhausted:   {fault.New(fault.Exhausted, "X", "x")},
		exitUnverified:  {fmt.Errorf("%w: by no key", receipt.ErrInvalid)},
		exitInterrupted: {errInterrupted},
		77:              {ownCode{errors.New("x")}, fmt.Errorf("sweep: %w", ownCode{errors.New("x")})},
	} {
		for _, err := range errs {
			if got := exitCode(err); got != want {
				t.Errorf("%v: exit code %d, want %d", err, got, want)
			}
		}
	}
}

// Every kind of error has a code, and every code stands in the help.
func TestEveryKindHasAnExitCode(t *testing.T) {
	t.Parallel()
	help := exitCodesTopic().Long
	for kind := fault.Internal; kind <= fault.Unauthenticated; kind++ {
		code := exitOf(kind)
		if (code == exitInternal) != (kind == fault.Internal) {
			t.Errorf("kind %d has exit code %d", kind, code)
		}
		if !strings.Contains(help, fmt.Sprintf("\n%5d  ", code)) {
			t.Errorf("the help does not tell of %d", code)
		}
	}
	for _, code := range []int{exitOK, exitUsage, exitUnverified, exitInterrupted} {
		if !strings.Contains(help, fmt.Sprintf("\n%5d  ", code)) {
			t.Errorf("the help does not tell of %d", code)
		}
	}
}

func TestComplaints(t *testing.T) {
	t.Parallel()
	two := fault.Fields(
		fault.Violation{Field: "artefact.sim_card.puk", Rule: "puk.length", Description: "must be 8 digits"},
		fault.Violation{Field: "artefact.label", Rule: "text.length", Description: "must be shorter"},
	)
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{two, "artefact.sim_card.puk: must be 8 digits [puk.length]\nartefact.label: must be shorter [text.length]\n"},
		{
			fmt.Errorf("a.pdf: %w", fault.Field("header.scan.media_type", "media-type.unknown", "must be known")),
			"a.pdf: header.scan.media_type: must be known [media-type.unknown]\n",
		},
		{fault.New(fault.NotFound, "CUSTOMER_NOT_FOUND", "the customer is not enrolled"), "wertfach: the customer is not enrolled [CUSTOMER_NOT_FOUND]\n"},
		{fmt.Errorf("a.pdf: %w", fault.New(fault.Exhausted, "TOO_MANY", "at most 20")), "wertfach: a.pdf: at most 20 [TOO_MANY]\n"},
		{fmt.Errorf("%w (and more)", fault.New(fault.Exhausted, "", "at most 20")), "wertfach: at most 20\n"},
		{errors.New("configuration x:\n  line 1: y"), "wertfach: configuration x:\n  line 1: y\n"},
		{fault.Field("a\x1b[2J", "b\n", "c\u202e"), "a\uFFFD[2J: c\uFFFD [b\uFFFD]\n"},
		{errors.New("a\x1b[2J"), "wertfach: a\uFFFD[2J\n"},
	} {
		var out bytes.Buffer
		(&cli{stderr: &out}).complain(nil, c.err)
		if out.String() != c.want {
			t.Errorf("%v is told as %q, want %q", c.err, &out, c.want)
		}
	}
}
