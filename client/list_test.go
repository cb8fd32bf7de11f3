package client_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/grpcfault"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// pages is an ArtefactService with three pages of two artefacts, the last of
// which fails if so wanted.
type pages struct {
	wertfachv1.UnimplementedArtefactServiceServer
	broken bool
	asked  script[string]
}

func (p *pages) ListArtefacts(_ context.Context, req *wertfachv1.ListArtefactsRequest) (*wertfachv1.ListArtefactsResponse, error) {
	if err := p.asked.next(req.GetPageToken()); err != nil || req.GetParent() != "institutes/a/customers/b" {
		return nil, grpcfault.Status(err).Err()
	}
	n := 0
	fmt.Sscanf(req.GetPageToken(), "page-%d", &n)
	if n == 2 && p.broken {
		return nil, grpcfault.Status(fault.New(fault.Corrupt, "OBJECT_CORRUPT", "x")).Err()
	}
	answer := &wertfachv1.ListArtefactsResponse{Artefacts: []*wertfachv1.Artefact{
		{Name: fmt.Sprint(2 * n)}, {Name: fmt.Sprint(2*n + 1)},
	}}
	if n < 2 {
		answer.NextPageToken = fmt.Sprintf("page-%d", n+1)
	}
	return answer, nil
}

func TestAllArtefacts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken bool
		stop   int
		want   string
		asked  int
	}{
		"to the end":   {false, 100, "0 1 2 3 4 5 ", 3},
		"stops midway": {false, 3, "0 1 2 ", 2},
		"an error":     {true, 100, "0 1 2 3 OBJECT_CORRUPT", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &pages{broken: c.broken}
			vault := open(t, services{artefacts: server})
			got, n := "", 0
			for artefact, err := range vault.AllArtefacts(t.Context(), "institutes/a/customers/b") {
				if err != nil {
					got += fault.ReasonOf(err)
					continue
				}
				got += artefact.GetName() + " "
				if n++; n == c.stop {
					break
				}
			}
			if got != c.want || len(server.asked.requests()) != c.asked {
				t.Errorf("got %q with %d calls, want %q with %d", got, len(server.asked.requests()), c.want, c.asked)
			}
		})
	}
}
