package config

import "time"

// TLS is who the server is towards its clients and whose certificates it
// takes. The connection is TLS 1.3, and no client gets in without a certificate.
type TLS struct {
	// CertFile is the server's certificate with its chain, PEM. Needed.
	CertFile string `yaml:"cert_file"`
	// KeyFile is the certificate's private key, PEM. Needed.
	KeyFile string `yaml:"key_file"`
	// ClientCAFile holds the authorities, PEM, that clients' certificates may
	// come from. Whoever they vouch for gets in, so it is an authority of the
	// deployment's own. Needed.
	ClientCAFile string `yaml:"client_ca_file"`
}

// Institute is a bank that is served.
type Institute struct {
	// ID is its name in the API, "institutes/{id}": 1 to 64 characters of a-z,
	// 0-9 and hyphens within. It is part of every stored object's name, so it
	// never changes. Needed.
	ID string `yaml:"id"`
	// TimeZone is where its days begin (IANA name); Europe/Berlin where empty.
	TimeZone string `yaml:"time_zone"`
	// CardVerificationCodeReason is why the institute, as the cards' issuer,
	// keeps card verification codes (PCI DSS v4, 3.3.3). Where empty they are
	// refused, which is the rule (3.3.1).
	CardVerificationCodeReason string `yaml:"card_verification_code_reason"`
	// Retention changes how long which class of its customers' data lives; as for
	// all institutes where empty.
	Retention []Retention `yaml:"retention"`
}

// Limits bound what is stored for one customer, and memory. Sizes are bytes, or
// a number with KiB, MiB or GiB.
type Limits struct {
	// Artefacts is how many artefacts a customer has at most; 500 where empty.
	Artefacts int `yaml:"artefacts"`
	// Scans is how many scans an artefact has at most; 20 where empty.
	Scans int `yaml:"scans"`
	// ScanSize is how large a scan is at most; 50 MiB where empty.
	ScanSize Size `yaml:"scan_size"`
	// DossierSize is how large a customer's dossier is at most, without scans;
	// 4 MiB where empty.
	DossierSize Size `yaml:"dossier_size"`
	// CacheSize bounds the memory for sealed dossiers, which spares changes a
	// request to the object store; 16 MiB where empty. Nothing in it is in
	// clear.
	CacheSize Size `yaml:"cache_size"`
}

// Vault is HashiCorp Vault with its transit engine.
type Vault struct {
	// Address is Vault's URL, https://host:port. Plain http is taken for
	// loopback addresses only: tokens and data keys travel on it. Needed.
	Address string `yaml:"address"`
	// CAFile holds the authorities, PEM, that Vault's certificate may come
	// from; those of the system where empty.
	CAFile string `yaml:"ca_file"`
	// Namespace is the Vault Enterprise namespace; none where empty.
	Namespace string `yaml:"namespace"`
	// TransitMount is the path of the transit engine; "transit" where empty.
	TransitMount string `yaml:"transit_mount"`
	// Auth is how the server logs in. Needed.
	Auth VaultAuth `yaml:"auth"`
}

// VaultAuth is exactly one way to log in to Vault.
type VaultAuth struct {
	// AppRole logs in with a role id and a secret id.
	AppRole *AppRole `yaml:"approle"`
	// TokenFile holds a token, as Vault Agent writes it. It is read again when
	// the token nears its end.
	TokenFile string `yaml:"token_file"`
}

// AppRole is the identity of a machine in Vault.
type AppRole struct {
	// RoleIDFile holds the role id. Needed.
	RoleIDFile string `yaml:"role_id_file"`
	// SecretIDFile holds the secret id. Needed. Both are read at each login.
	SecretIDFile string `yaml:"secret_id_file"`
	// Mount is where the AppRole method is mounted; "approle" where empty.
	Mount string `yaml:"mount"`
}

// Keyring is the keeper of keys for one machine. The keys lie in a folder of
// that machine: who has the disk has them.
type Keyring struct {
	// Dir is the folder. Needed.
	Dir string `yaml:"dir"`
	// MasterKeyFile holds the key under which the others are encrypted;
	// master.key in the folder where empty. Another disk is a better place.
	MasterKeyFile string `yaml:"master_key_file"`
}

// S3 is a server of the S3 protocol with conditional writes, such as MinIO.
type S3 struct {
	// Endpoint is its URL, https://host:port. Plain http is taken for loopback
	// addresses only. Needed.
	Endpoint string `yaml:"endpoint"`
	// Region is the one that the bucket lies in; us-east-1 where empty.
	Region string `yaml:"region"`
	// Bucket holds the objects and nothing else. It must not be versioned, as
	// deleted objects would stay. Needed.
	Bucket string `yaml:"bucket"`
	// CAFile holds the authorities, PEM, that the server's certificate may come
	// from; those of the system where empty.
	CAFile string `yaml:"ca_file"`
	// AccessKeyFile holds the access key. Needed.
	AccessKeyFile string `yaml:"access_key_file"`
	// SecretKeyFile holds the secret key. Needed.
	SecretKeyFile string `yaml:"secret_key_file"`
}

// Embedded is the object store for one machine.
type Embedded struct {
	// File holds all objects. Only one process can have it open. Needed.
	File string `yaml:"file"`
}

// Log is what is logged, and how.
type Log struct {
	// Level is the least severe to be logged: debug, info, warn or error; info
	// where empty.
	Level string `yaml:"level"`
	// Format is json, a line for each record, or text; json where empty.
	Format string `yaml:"format"`
}

// Sweep is how a sweep goes about it.
type Sweep struct {
	// Grace is how old the traces of a change must be before it is taken for
	// one that broke off; 1h where empty. It must be longer than any change
	// takes, uploads included.
	Grace time.Duration `yaml:"grace"`
	// Every has the server itself sweep, once at its start and then so often; where
	// empty it does not. The server's identity must then be one that may destroy keys,
	// which that of deploy/vault/server.hcl may not: it is for a keyring on one
	// machine. Deployments run `wertfach sweep --every` under an identity of its own.
	Every time.Duration `yaml:"every"`
}
