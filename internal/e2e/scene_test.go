package e2e_test

import (
	"bytes"
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/internal/servertest"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// scene is what bad calls are made upon: customers in several states, under
// limits that are small enough to be exceeded.
type scene struct {
	*deployment
	conn      grpc.ClientConnInterface // bare: it adds nothing and repeats nothing
	customers wertfachv1.CustomerServiceClient
	artefacts wertfachv1.ArtefactServiceClient
	lifecycle wertfachv1.LifecycleServiceClient
	sent      *recorder

	erika  *wertfachv1.Customer // has everything: an artefact of each kind
	sim    *wertfachv1.Artefact
	device *wertfachv1.Artefact // with as many scans as there may be
	doc    *wertfachv1.Artefact // with one scan
	scan   *wertfachv1.Scan     // of doc

	otto  *wertfachv1.Customer // has booked nothing
	ended *wertfachv1.Customer // whose contract is over, with a document
	old   *wertfachv1.Artefact // of ended

	receipt *wertfachv1.ErasureReceipt // of somebody who was erased
}

var sceneLimits = custody.Limits{Artefacts: 6, Scans: 2, ScanBytes: 256 << 10, DossierBytes: 12 << 10}

func newScene(t *testing.T, b *backends) *scene {
	t.Helper()
	s := &scene{deployment: deploy(t, b, sceneLimits), sent: &recorder{}}
	s.redial(t)
	ctx := t.Context()

	s.erika = s.enrol(t, bank, "erika", erika())
	for _, a := range everyKind() {
		a = s.register(t, s.erika, a)
		switch {
		case a.GetSimCard() != nil:
			s.sim = a
		case a.GetDevice() != nil:
			s.device = a
		case a.GetDocument() != nil:
			s.doc = a
		}
	}
	content := pdfFile(5000, "a line")
	for range sceneLimits.Scans {
		_, err := s.upload(ctx, announced(s.device, "application/pdf", content), content)
		ok(t, err)
	}
	var err error
	s.scan, err = s.upload(ctx, announced(s.doc, "application/pdf", content), content)
	ok(t, err)

	otto := erika()
	otto.Services = nil
	s.otto = s.enrol(t, bank, "otto", otto)
	s.ended = s.enrol(t, bank, "ended", erika())
	s.old = s.register(t, s.ended, document())
	_, err = s.lifecycle.TerminateContract(ctx, &wertfachv1.TerminateContractRequest{
		Name: s.ended.GetName(), EffectiveDate: time.Now().In(berlin(t)).Format(time.DateOnly),
	})
	ok(t, err)
	s.enrol(t, bank, "gone", erika())
	s.receipt, err = servertest.Erase(ctx, s.lifecycle, bank+"/customers/gone", "asked for it")
	ok(t, err)
	return s
}

// redial connects to the server as it stands now.
func (s *scene) redial(t testing.TB) {
	t.Helper()
	s.conn = s.dial(t, grpc.WithUnaryInterceptor(s.sent.unary), grpc.WithStreamInterceptor(s.sent.stream))
	s.customers = wertfachv1.NewCustomerServiceClient(s.conn)
	s.artefacts = wertfachv1.NewArtefactServiceClient(s.conn)
	s.lifecycle = wertfachv1.NewLifecycleServiceClient(s.conn)
}

func (s *scene) enrol(t testing.TB, institute, id string, c *wertfachv1.Customer) *wertfachv1.Customer {
	t.Helper()
	c, err := s.customers.EnrolCustomer(t.Context(), &wertfachv1.EnrolCustomerRequest{Parent: institute, CustomerId: id, Customer: c})
	ok(t, err)
	return c
}

func (s *scene) register(t testing.TB, c *wertfachv1.Customer, a *wertfachv1.Artefact) *wertfachv1.Artefact {
	t.Helper()
	a, err := s.artefacts.RegisterArtefact(t.Context(), &wertfachv1.RegisterArtefactRequest{Parent: c.GetName(), Artefact: a})
	ok(t, err)
	return a
}

// announced is the header of an upload of that content.
func announced(a *wertfachv1.Artefact, mediaType string, content []byte) *wertfachv1.UploadScanHeader {
	return &wertfachv1.UploadScanHeader{
		Parent: a.GetName(),
		Scan:   &wertfachv1.Scan{FileName: "Ausweis Rückseite.pdf", MediaType: mediaType, SizeBytes: int64(len(content))},
	}
}

// upload sends a header and content in parts of 64 KiB.
func (s *scene) upload(ctx context.Context, header *wertfachv1.UploadScanHeader, content []byte) (*wertfachv1.Scan, error) {
	messages := []*wertfachv1.UploadScanRequest{{Part: &wertfachv1.UploadScanRequest_Header{Header: header}}}
	for r := bytes.NewReader(content); r.Len() > 0; {
		chunk := make([]byte, min(r.Len(), 64<<10))
		if _, err := io.ReadFull(r, chunk); err != nil {
			return nil, err
		}
		messages = append(messages, part(chunk))
	}
	return s.send(ctx, messages...)
}

func part(chunk []byte) *wertfachv1.UploadScanRequest {
	return &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Chunk{Chunk: chunk}}
}

// send sends messages as they are. Where the server ends the call early, it
// gives what the server said.
func (s *scene) send(ctx context.Context, messages ...*wertfachv1.UploadScanRequest) (*wertfachv1.Scan, error) {
	stream, err := s.artefacts.UploadScan(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if err := stream.Send(m); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
	}
	return stream.CloseAndRecv()
}

// recorder keeps every text that a connection sends.
type recorder struct {
	mu    sync.Mutex
	texts []string
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.texts = nil
}

func (r *recorder) values() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.texts
}

func (r *recorder) add(m any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := m.(proto.Message); ok {
		collect(m.ProtoReflect(), &r.texts)
	}
}

// collect takes all texts in a message. Of content, its beginning is enough.
func collect(m protoreflect.Message, texts *[]string) {
	take := func(fd protoreflect.FieldDescriptor, v protoreflect.Value) {
		switch fd.Kind() {
		case protoreflect.MessageKind:
			collect(v.Message(), texts)
		case protoreflect.StringKind:
			*texts = append(*texts, v.String())
		case protoreflect.BytesKind:
			*texts = append(*texts, string(v.Bytes()[:min(16, len(v.Bytes()))]))
		}
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.IsList() {
			for i := range v.List().Len() {
				take(fd, v.List().Get(i))
			}
			return true
		}
		take(fd, v)
		return true
	})
}

func (r *recorder) unary(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	r.add(req)
	return invoke(ctx, method, req, reply, conn, opts...)
}

func (r *recorder) stream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, opts...)
	return recordedStream{stream, r}, err
}

type recordedStream struct {
	grpc.ClientStream
	to *recorder
}

func (s recordedStream) SendMsg(m any) error {
	s.to.add(m)
	return s.ClientStream.SendMsg(m)
}
