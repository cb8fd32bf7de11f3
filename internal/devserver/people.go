package devserver

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/wertfach/wertfach/internal/config"
	"github.com/wertfach/wertfach/internal/devissuer"
	"github.com/wertfach/wertfach/internal/pki"
)

// renewEvery is how often the people's tokens are looked at. They are renewed
// when half of their time is over, so much may go wrong before one ends.
const renewEvery = time.Minute

// callers are the machines of a development server: of each role one kind.
func callers() []config.Caller {
	var all []config.Caller
	for _, role := range Roles() {
		all = append(all, config.Caller{
			URI: "spiffe://" + pki.TrustDomain + "/" + role + "/*", Roles: []string{role}, Institutes: []string{"*"},
		})
	}
	return all
}

// issuers are whose tokens a development server takes: its own issuer's.
func issuers(url string) []config.Issuer {
	return []config.Issuer{{URL: url, Audience: devissuer.Audience, Groups: groups()}}
}

// groups are what the issuer's people may do.
func groups() []config.Group {
	return []config.Group{
		{Group: devissuer.Hotline, Roles: []string{"hotline"}, Institutes: []string{"*"}},
		{Group: devissuer.Officers, Roles: []string{"privacy-officer"}, Institutes: []string{"*"}},
	}
}

// People are the names of the sample people who have that role, one of [Roles].
// A profile of the role is that of the first; each has one of their own too.
func People(role string) []string {
	var names []string
	for _, p := range devissuer.People() {
		for _, g := range groups() {
			if slices.Contains(p.Groups, g.Group) && slices.Contains(g.Roles, role) {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// people starts the issuer and writes the people's tokens.
func (d *Dev) people() (err error) {
	if d.issuer, err = devissuer.Start(filepath.Join(d.dir, "issuer")); err != nil {
		return err
	}
	return d.issuer.Renew(d.clients(), time.Now())
}

// clients is the folder of the profiles and of all that they name.
func (d *Dev) clients() string { return filepath.Join(d.dir, "clients") }

// renew keeps the people's tokens good for as long as the server runs.
func (d *Dev) renew(ctx context.Context, every time.Duration, log *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			if err := d.issuer.Renew(d.clients(), now); err != nil {
				log.WarnContext(ctx, "tokens of the sample people can't be renewed", "cause", err)
			}
		}
	}
}
