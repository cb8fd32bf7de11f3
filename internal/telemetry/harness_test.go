package telemetry_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/wertfach/wertfach/internal/telemetry"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// patience bounds what a test waits for.
const patience = 30 * time.Second

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site is a server of a few calls that tells how it works.
type site struct {
	*telemetry.Telemetry
	admin *telemetry.Admin
	conn  *grpc.ClientConn
	wertfachv1.ArtefactServiceClient
}

// open starts one that is stopped when the test ends.
func open(t *testing.T, c telemetry.Config) *site {
	t.Helper()
	tel, err := telemetry.New(c)
	ok(t, err)
	s := &site{Telemetry: tel}
	s.admin, err = tel.Listen(t.Context(), "127.0.0.1:0", func(context.Context) telemetry.Health { return telemetry.Health{Ready: true} })
	ok(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	server := grpc.NewServer(append(tel.ServerOptions(), grpc.MaxRecvMsgSize(1<<20))...)
	wertfachv1.RegisterArtefactServiceServer(server, artefacts{observe: tel.Observer(telemetry.Vault)})
	healthv1.RegisterHealthServer(server, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	s.conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	ok(t, err)
	s.ArtefactServiceClient = wertfachv1.NewArtefactServiceClient(s.conn)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		_ = s.conn.Close()
		server.Stop()
		ok(t, <-served)
		tel.Close(ctx)
		ok(t, s.admin.Close(ctx))
	})
	return s
}

// artefacts does not do what is asked, but ends in all sorts of ways, by the name
// that is asked for.
type artefacts struct {
	wertfachv1.UnimplementedArtefactServiceServer
	observe func(context.Context, string) (context.Context, func(error))
}

func (a artefacts) GetArtefact(ctx context.Context, req *wertfachv1.GetArtefactRequest) (*wertfachv1.Artefact, error) {
	if a.observe != nil {
		_, done := a.observe(ctx, "unwrap all")
		defer done(nil)
	}
	code, refused := map[string]codes.Code{
		"denied": codes.PermissionDenied, "often": codes.ResourceExhausted, "internal": codes.Internal, "corrupt": codes.DataLoss, "odd": 99,
	}[req.GetName()]
	switch {
	case refused && code == 99:
		return nil, status.Error(99, "no code of gRPC's")
	case refused:
		st, err := status.New(code, "about "+marker).WithDetails(&errdetails.ErrorInfo{Reason: "REASON_" + strings.ToUpper(req.GetName())})
		if err != nil {
			return nil, err
		}
		return nil, st.Err()
	}
	return &wertfachv1.Artefact{Name: req.GetName()}, nil
}

func (a artefacts) DownloadScan(req *wertfachv1.DownloadScanRequest, stream grpc.ServerStreamingServer[wertfachv1.DownloadScanResponse]) error {
	if err := stream.Send(&wertfachv1.DownloadScanResponse{}); err != nil {
		return err
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

// marker stands for what must be told nowhere.
const marker = "xq7markerzv"

// get fetches a page of the admin listener.
func (s *site) get(t *testing.T, path string) (code int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin.Address()+path, nil)
	ok(t, err)
	answer, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	ok(t, err)
	return answer.StatusCode, string(b)
}

// scrape gives the samples by name and labels, `wertfach_ready{} 1` as "wertfach_ready".
func (s *site) scrape(t *testing.T) map[string]string {
	t.Helper()
	code, body := s.get(t, "/metrics")
	if code != http.StatusOK {
		t.Fatalf("/metrics: %d\n%s", code, body)
	}
	samples := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			i := strings.LastIndexByte(line, ' ')
			samples[line[:i]] = line[i+1:]
		}
	}
	return samples
}

// eventually scrapes until a sample has that value: gRPC tells of a call's end
// after its caller has the answer.
func (s *site) eventually(t *testing.T, sample, want string) {
	t.Helper()
	end := time.Now().Add(patience)
	for time.Now().Before(end) {
		if s.scrape(t)[sample] == want {
			return
		}
	}
	t.Fatalf("%s: got %q, want %q", sample, s.scrape(t)[sample], want)
}

// journal is a log that a test reads.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
