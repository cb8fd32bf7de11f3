package testenv

import (
	"context"
	"regexp"
	"time"

	"github.com/wertfach/wertfach/deploy"
)

// Deployed is an AppRole with the shipped policy of a server and, beside it, what
// a sweeper may do and it may not: for tests and measurements of one process that
// also destroys keys. Deployments keep the two apart.
func (v *Vault) Deployed(ctx context.Context, name, mount string) (AppRoleFiles, error) {
	at := deploy.Vault{Transit: mount}
	return v.AppRole(ctx, AppRole{
		Name: name, Policy: at.Policy(deploy.Server) + withoutDecrypt(at.Policy(deploy.Sweeper)), TokenTTL: time.Hour,
	})
}

var decryptRule = regexp.MustCompile(`(?ms)^path "[^"]*/decrypt/\+" \{.*?^\}\n`)

// withoutDecrypt leaves out the rule for opening data keys. Of two rules for one
// path Vault takes the parameters of both, and so would let a server open no more
// than a sweeper may.
func withoutDecrypt(policy string) string { return decryptRule.ReplaceAllString(policy, "") }
