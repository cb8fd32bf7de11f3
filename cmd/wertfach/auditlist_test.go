package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// pages is an AuditService with two pages of events; in the time of the second
// something is damaged.
type pages struct{ wertfachv1.AuditServiceClient }

func (pages) ListEvents(_ context.Context, req *wertfachv1.ListEventsRequest, _ ...grpc.CallOption) (*wertfachv1.ListEventsResponse, error) {
	if req.GetPageToken() == "" {
		return &wertfachv1.ListEventsResponse{NextPageToken: "more", Events: []*wertfachv1.Event{
			{Principal: "https://idp.example#8f3a", Machine: "spiffe://bank.example/desk"},
		}}, nil
	}
	return &wertfachv1.ListEventsResponse{Damaged: req.GetPrincipal() == "", Events: []*wertfachv1.Event{{Principal: "spiffe://bank.example/portal"}, {}}}, nil
}

func TestAuditListIsDamaged(t *testing.T) {
	t.Parallel()
	for principal, want := range map[string]string{
		"":  "wertfach: something in that time is no valid segment of the log and was left out; see \"wertfach audit verify\"\n",
		"x": "",
	} {
		var out, problems bytes.Buffer
		c := &cli{stdout: &out, stderr: &problems, output: "table"}
		list, err := c.events(t.Context(), &client.Client{Audit: pages{}}, &wertfachv1.ListEventsRequest{Principal: principal}, 10)
		if err != nil || problems.String() != want {
			t.Errorf("%v, %q, want %q", err, &problems, want)
		}
		if err := c.print(list); err != nil {
			t.Fatal(err)
		}
		for _, cell := range []string{"  https://idp.example#8f3a via spiffe://bank.example/desk  ", "  spiffe://bank.example/portal  "} {
			if !strings.Contains(out.String(), cell) {
				t.Errorf("the table lacks %q:\n%s", cell, &out)
			}
		}
	}
}
