// Package client is the Go client of wertfach: for portals, which register what
// their customers own, and for whatever else speaks to the vault.
//
// Open a [Client] once, when your program starts, and share it; it is safe for
// concurrent use and keeps its own connections.
//
//	vault, err := client.Open(client.Config{
//		Address:  "wertfach.example.com:7443",
//		CAFile:   "/etc/portal/wertfach-ca.pem",
//		CertFile: "/etc/portal/client.pem",
//		KeyFile:  "/etc/portal/client-key.pem",
//	})
//
// Then call the services as the schema in proto/wertfach/v1 has them:
//
//	sim, err := vault.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
//		Parent:   "institutes/musterbank/customers/4711",
//		Artefact: artefact,
//	})
//
// Give every call a context with a deadline. What the client adds:
//
//   - Errors are *fault.Error, as the vault's own rules made them: switch on
//     fault.KindOf(err), act on fault.ReasonOf(err), and show the Violations
//     beside the form fields that they name. No error repeats a value.
//   - Changes are safe to repeat: where you leave a request_id empty the client
//     makes one, and so it can try again after a broken connection without doing
//     anything twice. Reads are repeated too. Only errors of kind Unavailable, and
//     CONTENTION, are worth it; see [Config.Attempts].
//   - [Client.UploadScan], [Client.DownloadScan] and [Client.Export] stream files of
//     any size in little memory and check what arrived; [Client.AllArtefacts] turns
//     pages.
//
// People call by way of a machine: [Config.TokenFile] says for whom it acts, and
// [WithCall] in which hotline call.
//
// Values come back masked. Secrets (PIN, PUK, card numbers) are given out by
// RevealArtefact alone, for a purpose.
package client

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// Config says how to reach a server, and as whom.
type Config struct {
	// Address is the server's host:port. Where the host has several addresses,
	// calls go to all of them in turn. Required.
	Address string

	// CertFile and KeyFile hold the client's certificate chain and key in PEM.
	// They are read again for each new connection, so a renewed certificate is
	// taken up without a restart. Required unless TLS is set.
	CertFile, KeyFile string
	// CAFile holds the authorities that the server's certificate is checked
	// against, in PEM; the system's own where empty.
	CAFile string
	// TLS stands instead of the files. TLS 1.3 is demanded whatever it says.
	TLS *tls.Config
	// TokenFile holds the OpenID Connect token of the person for whom the client
	// acts, such as an agent of the hotline. It is read again for each call, so
	// whoever renews the file has nobody to tell. None where empty: then the
	// machine calls for itself.
	TokenFile string

	// Timeout bounds a call whose context has no deadline, retries included; 30
	// seconds where zero. It does not bound uploads and downloads.
	Timeout time.Duration
	// Attempts is how often a call that is safe to repeat is made at most; 5 where
	// zero, 1 for no retries. Between attempts the client waits 0.1, 0.2, 0.4 and
	// 0.8 seconds, give or take a fifth, or as long as the server asks for. It
	// gives up sooner where the context's deadline leaves no time to wait.
	Attempts int

	// DialOptions are added to those of the client, for tracing or metrics.
	DialOptions []grpc.DialOption
}

// Client talks to a server. Its errors are of package custody/fault.
type Client struct {
	// Customers keeps who a customer is and what was booked.
	Customers wertfachv1.CustomerServiceClient
	// Artefacts keeps what customers register.
	Artefacts wertfachv1.ArtefactServiceClient
	// Lifecycle ends contracts and erases customers.
	Lifecycle wertfachv1.LifecycleServiceClient
	// Privacy gives customers what they have a right to know; [Client.Export] takes an
	// archive of it.
	Privacy wertfachv1.PrivacyServiceClient
	// Audit reads what is on record.
	Audit wertfachv1.AuditServiceClient

	conn    *grpc.ClientConn
	retries retries
}

// Defaults and bounds.
const (
	defaultTimeout  = 30 * time.Second
	defaultAttempts = 5
	// maxMessage bounds an answer, in bytes. A page of 500 artefacts with 20 scans
	// each is below it.
	maxMessage = 8 << 20
	// pingAfter and pingTimeout find a connection that died in silence while a
	// call waits on it.
	pingAfter   = 30 * time.Second
	pingTimeout = 20 * time.Second
)

// spread sends the calls to all addresses of a host in turn.
const spread = `{"loadBalancingConfig":[{"round_robin":{}}]}`

// Open makes a client. It reads the files and dials nothing: a server that can't
// be reached shows in the first call, as an error of kind Unavailable. Close the
// client when done.
func Open(cfg Config) (*Client, error) {
	if cfg.Address == "" {
		return nil, errors.New("client: an address is needed")
	}
	secure, err := cfg.secure()
	if err != nil {
		return nil, err
	}
	c := &Client{retries: retries{attempts: cmp.Or(cfg.Attempts, defaultAttempts)}}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(credentials.NewTLS(secure)),
		grpc.WithChainUnaryInterceptor(
			mapUnary,
			timeout(cmp.Or(cfg.Timeout, defaultTimeout)).unary,
			identify,
			c.retries.unary,
		),
		grpc.WithChainStreamInterceptor(mapStream),
		grpc.WithDefaultServiceConfig(spread),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			// A server that restarts is back within the time of the retries.
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
	}
	if cfg.TokenFile != "" {
		token := tokenFile(cfg.TokenFile)
		if _, err := token.read(); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
		options = append(options, grpc.WithPerRPCCredentials(token))
	}
	if c.conn, err = grpc.NewClient(cfg.Address, append(options, cfg.DialOptions...)...); err != nil {
		return nil, err
	}
	c.Customers = wertfachv1.NewCustomerServiceClient(c.conn)
	c.Artefacts = wertfachv1.NewArtefactServiceClient(c.conn)
	c.Lifecycle = wertfachv1.NewLifecycleServiceClient(c.conn)
	c.Privacy = wertfachv1.NewPrivacyServiceClient(c.conn)
	c.Audit = wertfachv1.NewAuditServiceClient(c.conn)
	return c, nil
}

// Close ends the connections. Calls under way fail.
func (c *Client) Close() error { return c.conn.Close() }
