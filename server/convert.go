package server

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wertfach/wertfach/custody"
	"github.com/wertfach/wertfach/custody/field"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// identified is a request that can be repeated safely.
type identified interface {
	proto.Message
	GetRequestId() string
}

// request gives custody what tells a repeated request from another one.
func request(req identified) custody.Request {
	return custody.Request{ID: req.GetRequestId(), Content: content(string(req.ProtoReflect().Descriptor().FullName()), req)}
}

// update is what an update request asks for: the fields that its mask names, or
// those that are set where it has none.
func update(t *field.Table, resource proto.Message, mask *fieldmaskpb.FieldMask, etag string, req identified) custody.Update {
	values := t.Read(resource)
	paths := mask.GetPaths()
	if len(paths) == 0 {
		for path := range values {
			paths = append(paths, path)
		}
	}
	return custody.Update{Values: values, Paths: paths, ETag: etag, Request: request(req)}
}

func toCustomer(c custody.Customer) *wertfachv1.Customer {
	out := &wertfachv1.Customer{
		Name: c.Name.String(), Services: services(c.Services), Contract: toContract(c.Contract),
		CreateTime: stamp(c.Created), UpdateTime: stamp(c.Updated), Etag: c.ETag,
	}
	field.Customer.Write(c.Values, out)
	return out
}

func toContract(c custody.Contract) *wertfachv1.Contract {
	states := map[custody.State]wertfachv1.Contract_State{
		custody.Active:      wertfachv1.Contract_STATE_ACTIVE,
		custody.Terminating: wertfachv1.Contract_STATE_TERMINATING,
		custody.Ended:       wertfachv1.Contract_STATE_ENDED,
	}
	return &wertfachv1.Contract{State: states[c.State], EffectiveDate: c.EffectiveDate, Reason: c.Reason}
}

func toArtefact(a custody.Artefact) *wertfachv1.Artefact {
	out := &wertfachv1.Artefact{
		Name: a.Name.String(), CreateTime: stamp(a.Created), UpdateTime: stamp(a.Updated), Etag: a.ETag,
	}
	field.Artefact.SetKind(out, a.Kind)
	field.Artefact.Write(a.Values, out)
	for _, s := range a.Scans {
		out.Scans = append(out.Scans, toScan(s))
	}
	return out
}

func toArtefacts(list []custody.Artefact) []*wertfachv1.Artefact {
	out := make([]*wertfachv1.Artefact, len(list))
	for i, a := range list {
		out[i] = toArtefact(a)
	}
	return out
}

func toScan(s custody.Scan) *wertfachv1.Scan {
	return &wertfachv1.Scan{
		Name: s.Name.String(), FileName: s.FileName, MediaType: s.MediaType, SizeBytes: s.Size, Sha256: s.SHA256,
		CreateTime: stamp(s.Created),
	}
}

func toReceipt(r custody.Receipt) *wertfachv1.ErasureReceipt {
	s := r.Statement
	out := &wertfachv1.ErasureReceipt{
		Name: r.Name.String(), DestroyTime: stamp(s.KeyDestroyed), CompleteTime: stamp(s.Completed),
		KeyName: s.KeyName, KeyVersion: int32(s.KeyVersion), Destroyed: map[string]int32{},
		Policy: s.Policy, Reason: s.Reason, Envelope: r.Envelope,
	}
	for kind, n := range s.Destroyed {
		out.Destroyed[kind] = int32(n)
	}
	return out
}

// services gives the services by their names.
func services(names []string) []wertfachv1.Service {
	out := make([]wertfachv1.Service, 0, len(names))
	for _, name := range names {
		out = append(out, wertfachv1.Service(wertfachv1.Service_value[name]))
	}
	return out
}

// serviceNames gives the names of services.
func serviceNames(services []wertfachv1.Service) []string {
	names := make([]string, 0, len(services))
	for _, s := range services {
		names = append(names, s.String())
	}
	return names
}

func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
