package client

import (
	"context"
	"iter"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// A ListOption says more of a listing.
type ListOption func(*wertfachv1.ListArtefactsRequest)

// ListRestricted lists what is restricted as well, for a purpose of Art. 18(2)
// GDPR. It is for privacy officers; the unspecified purpose changes nothing.
func ListRestricted(purpose wertfachv1.RestrictedPurpose) ListOption {
	return func(req *wertfachv1.ListArtefactsRequest) { req.RestrictedPurpose = purpose }
}

// AllArtefacts gives a customer's artefacts in the order of their registration,
// masked, and fetches page after page as they are taken. After an error it ends.
func (c *Client) AllArtefacts(ctx context.Context, customer string, opts ...ListOption) iter.Seq2[*wertfachv1.Artefact, error] {
	return func(yield func(*wertfachv1.Artefact, error) bool) {
		token := ""
		for {
			req := &wertfachv1.ListArtefactsRequest{Parent: customer, PageToken: token} // one of its own: a call may keep it
			for _, option := range opts {
				option(req)
			}
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
			if token = page.GetNextPageToken(); token == "" {
				return
			}
		}
	}
}
