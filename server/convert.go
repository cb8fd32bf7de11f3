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

func toRetention(r custody.Retention) *wertfachv1.Retention {
	out := &wertfachv1.Retention{
		Name: r.Name.String(), Contract: toContract(r.Contract), NextDate: string(r.Next), EraseDate: string(r.Erase),
		ErasureRequest: toErasureRequest(r.Request), Recipients: r.Recipients,
	}
	for _, s := range r.Restrictions {
		out.Restrictions = append(out.Restrictions, &wertfachv1.Restriction{
			Ground:     wertfachv1.Restriction_Ground(wertfachv1.Restriction_Ground_value[s.Ground]),
			CreateTime: stamp(s.Created), CustomerToldTime: stamp(s.Told), LiftTime: stamp(s.Lifted),
		})
	}
	for _, h := range r.Holds {
		out.Holds = append(out.Holds, &wertfachv1.Hold{
			Id: h.ID, Kind: wertfachv1.Hold_Kind(wertfachv1.Hold_Kind_value[h.Kind]), Reason: h.Reason,
			UntilDate: string(h.Until), CreateTime: stamp(h.Created), ReleaseTime: stamp(h.Released),
		})
	}
	for _, h := range r.Holdings {
		out.Holdings = append(out.Holdings, &wertfachv1.Holding{
			Class: string(h.Class), Kind: h.Kind, Count: int32(h.Count), DueDate: string(h.Due),
			Anchor: string(h.Rule.Anchor), Period: h.Rule.Period.String(), Alignment: string(h.Rule.Alignment), Basis: h.Rule.Basis,
			FormerEffectiveDate: string(h.Former),
		})
	}
	return out
}

func toErasureRequest(r *custody.ErasureRequest) *wertfachv1.ErasureRequest {
	if r == nil {
		return nil
	}
	return &wertfachv1.ErasureRequest{
		Name: r.Name.String(), Ground: wertfachv1.ErasureRequest_Ground(wertfachv1.ErasureRequest_Ground_value[r.Ground]), Reason: r.Reason,
		RequestedBy: r.By, RequestTime: stamp(r.Requested), LapseTime: stamp(r.Lapses),
		Recipients: r.Recipients,
	}
}

func toReceipt(r custody.Receipt) *wertfachv1.ErasureReceipt {
	s := r.Statement
	out := &wertfachv1.ErasureReceipt{
		Name: r.Name.String(), DestroyTime: stamp(s.KeyDestroyed), CompleteTime: stamp(s.Completed),
		KeyName: s.KeyName, KeyVersion: int32(s.KeyVersion), Destroyed: map[string]int32{},
		Policy: s.Policy, Basis: s.Basis, Reason: s.Reason, Envelope: r.Envelope,
		RequestedBy: s.RequestedBy, ConfirmedBy: s.ConfirmedBy, Confirmation: s.Confirmation,
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
