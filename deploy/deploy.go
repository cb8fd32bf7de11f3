// Package deploy holds the policies that give each process of a deployment what
// it needs in Vault and in the object store, and nothing else: the files in vault/
// and s3/, as they are shipped, and made to fit names that a deployment chose.
//
// `wertfach init` installs them. Whoever installs them otherwise takes the files;
// docs/operations.md says how.
package deploy

import (
	"embed"
	"strings"
)

//go:embed vault/*.hcl s3/*.json
var files embed.FS

// Identity is who a process is in Vault and in the object store.
type Identity string

// The identities.
const (
	// Server serves the API. It can't destroy keys, nor touch what audit wrote.
	Server Identity = "server"
	// Sweeper is `wertfach sweep`, the only one that destroys keys.
	Sweeper Identity = "sweeper"
	// Hotline serves the API to hotlines: it can't open secrets.
	Hotline Identity = "hotline"
	// Operator rotates keys: it can't open secrets.
	Operator Identity = "operator"
	// Init prepares a deployment, and is needed for that moment only.
	Init Identity = "init"
)

// Lasting are the identities that a deployment has all the time. [Init] is not
// among them.
func Lasting() []Identity { return []Identity{Server, Sweeper, Hotline, Operator} }

// Name is what the identity is called in Vault (policy and AppRole) and in the
// object store (policy and user).
func (i Identity) Name() string { return "wertfach-" + string(i) }

// What the files call things.
const (
	transitMount = "transit"
	appRoleMount = "approle"
	dataBucket   = "wertfach"
	auditBucket  = "wertfach-audit"
)

// Vault says where in Vault a deployment works. Empty names are the usual ones.
type Vault struct {
	// Transit is the mount of the transit engine; "transit" where empty.
	Transit string
	// AppRole is the mount of the AppRole method; "approle" where empty.
	AppRole string
}

// Policy is what the identity may do in Vault, in HCL.
func (v Vault) Policy(i Identity) string {
	text := read("vault/" + string(i) + ".hcl")
	for _, place := range []struct{ usual, chosen string }{{transitMount, v.Transit}, {appRoleMount, v.AppRole}} {
		if place.chosen == "" || place.chosen == place.usual {
			continue
		}
		for _, before := range []string{`path "`, `path "auth/`, `path "sys/mounts/`, `path "sys/auth/`} {
			for _, after := range []string{`/`, `"`} {
				text = strings.ReplaceAll(text, before+place.usual+after, before+place.chosen+after)
			}
		}
	}
	return text
}

// Buckets are those of a deployment. Empty names are the usual ones.
type Buckets struct {
	// Data holds sealed objects; "wertfach" where empty.
	Data string
	// Audit holds the audit log under object lock; "wertfach-audit" where empty.
	Audit string
}

// Policy is what the identity may do in the object store, in the JSON that MinIO
// and AWS read.
func (b Buckets) Policy(i Identity) string {
	text := read("s3/" + string(i) + ".json")
	const arn = `"arn:aws:s3:::`
	// The longer name first: the shorter one begins it.
	names := strings.NewReplacer(
		arn+auditBucket, arn+or(b.Audit, auditBucket),
		arn+dataBucket, arn+or(b.Data, dataBucket),
	)
	return names.Replace(text)
}

func or(chosen, usual string) string {
	if chosen == "" {
		return usual
	}
	return chosen
}

func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // a mistake in this program: it is embedded, or there is no such identity
	}
	return string(text)
}
