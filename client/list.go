package client

import (
	"context"
	"iter"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// AllArtefacts gives a customer's artefacts in the order of their registration,
// masked, and fetches page after page as they are taken. After an error it ends.
func (c *Client) AllArtefacts(ctx context.Context, customer string) iter.Seq2[*wertfachv1.Artefact, error] {
	return func(yield func(*wertfachv1.Artefact, error) bool) {
		req := &wertfachv1.ListArtefactsRequest{Parent: customer}
		for {
			page, err := c.Artefacts.ListArtefacts(ctx, req)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, artefact := range page.GetArtefacts() {
				if !yield(artefact, nil) {
					return
				}
			}
			if page.GetNextPageToken() == "" {
				return
			}
			req = &wertfachv1.ListArtefactsRequest{Parent: customer, PageToken: page.GetNextPageToken()}
		}
	}
}
