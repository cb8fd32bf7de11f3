package faults

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// everyMethod is every RPC that the schema has.
func everyMethod(t testing.TB) []protoreflect.MethodDescriptor {
	t.Helper()
	var list []protoreflect.MethodDescriptor
	protoregistry.GlobalFiles.RangeFilesByPackage("wertfach.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			for j := range file.Services().Get(i).Methods().Len() {
				list = append(list, file.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	if len(list) == 0 {
		t.Fatal("the schema has no RPC")
	}
	return list
}

// target is a customer that a request is made upon: the names of what there is.
type target struct {
	customer, etag, sim, document, scan string
	receipt                             string // of somebody else
	hold                                string // where one was placed
	told                                *timestamppb.Timestamp
}

// content is what uploads bring: several segments of a sealed stream.
var content = append([]byte("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), strings.Repeat("a line of a page\n", 5_000)...)

// A request is what an RPC is asked.
type request struct {
	make func(target) proto.Message
	// changes says that it takes a customer of its own, who has that before and
	// that after it.
	changes       bool
	before, after belongings
}

// belongings are how many artefacts and scans a customer has.
type belongings struct{ artefacts, scans int }

// gone is nobody's.
var gone = belongings{-1, -1}

// requests are those of every RPC; the walk over the schema fails for one that is
// missing.
func requests() map[protoreflect.Name]request {
	reads := func(m func(target) proto.Message) request { return request{make: m} }
	changes := func(artefacts int, m func(target) proto.Message) request {
		return request{make: m, changes: true, before: belongings{2, 0}, after: belongings{artefacts, 0}}
	}
	withScan := func(after belongings, m func(target) proto.Message) request {
		return request{make: m, changes: true, before: belongings{2, 1}, after: after}
	}
	return map[protoreflect.Name]request{
		"EnrolCustomer": {make: func(x target) proto.Message {
			return &wertfachv1.EnrolCustomerRequest{Parent: bank, CustomerId: x.customer[len(bank+"/customers/"):], Customer: customer()}
		}, changes: true, before: gone},
		"GetCustomer": reads(func(x target) proto.Message { return &wertfachv1.GetCustomerRequest{Name: x.customer} }),
		"UpdateCustomer": changes(2, func(x target) proto.Message {
			return &wertfachv1.UpdateCustomerRequest{
				Customer:   &wertfachv1.Customer{Name: x.customer, GivenName: "Emmalotte"},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"given_name"}},
			}
		}),
		"SetServices": withScan(belongings{1, 0}, func(x target) proto.Message { // withdraws from the service of the document
			return &wertfachv1.SetServicesRequest{
				Name: x.customer, Etag: x.etag, Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION},
			}
		}),
		"RegisterArtefact": changes(3, func(x target) proto.Message {
			return &wertfachv1.RegisterArtefactRequest{Parent: x.customer, Artefact: sim()}
		}),
		"BatchRegisterArtefacts": changes(4, func(x target) proto.Message {
			return &wertfachv1.BatchRegisterArtefactsRequest{Parent: x.customer, Artefacts: []*wertfachv1.Artefact{sim(), document()}}
		}),
		"GetArtefact":   reads(func(x target) proto.Message { return &wertfachv1.GetArtefactRequest{Name: x.sim} }),
		"ListArtefacts": reads(func(x target) proto.Message { return &wertfachv1.ListArtefactsRequest{Parent: x.customer} }),
		"UpdateArtefact": changes(2, func(x target) proto.Message {
			return &wertfachv1.UpdateArtefactRequest{
				Artefact:   &wertfachv1.Artefact{Name: x.sim, Label: "the other telephone", Kind: sim().GetKind()},
				UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"label"}},
			}
		}),
		"DeleteArtefact": changes(1, func(x target) proto.Message { return &wertfachv1.DeleteArtefactRequest{Name: x.sim} }),
		"RevealArtefact": reads(func(x target) proto.Message {
			return &wertfachv1.RevealArtefactRequest{Name: x.sim, Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK}
		}),
		"UploadScan": {
			make: func(x target) proto.Message { return header(x.document) }, changes: true,
			before: belongings{2, 0}, after: belongings{2, 1},
		},
		"DownloadScan": reads(func(x target) proto.Message { return &wertfachv1.DownloadScanRequest{Name: x.scan} }),
		"DeleteScan":   withScan(belongings{2, 0}, func(x target) proto.Message { return &wertfachv1.DeleteScanRequest{Name: x.scan} }),
		"TerminateContract": changes(2, func(x target) proto.Message {
			return &wertfachv1.TerminateContractRequest{Name: x.customer, EffectiveDate: "2099-12-31", Reason: "moves to Wuppertal"}
		}),
		"CancelTermination": changes(2, func(x target) proto.Message { return &wertfachv1.CancelTerminationRequest{Name: x.customer} }),
		"ExplainRetention":  reads(func(x target) proto.Message { return &wertfachv1.ExplainRetentionRequest{Name: x.customer} }),
		"RestrictProcessing": changes(2, func(x target) proto.Message {
			return &wertfachv1.RestrictProcessingRequest{Name: x.customer, Ground: wertfachv1.Restriction_GROUND_OBJECTION}
		}),
		"LiftRestriction": changes(2, func(x target) proto.Message {
			return &wertfachv1.LiftRestrictionRequest{Name: x.customer, CustomerToldTime: x.told}
		}),
		"PlaceHold": changes(2, func(x target) proto.Message {
			return &wertfachv1.PlaceHoldRequest{Name: x.customer, Kind: wertfachv1.Hold_KIND_LEGAL_CLAIM, Reason: "4 O 12/26"}
		}),
		"ReleaseHold": changes(2, func(x target) proto.Message {
			return &wertfachv1.ReleaseHoldRequest{Name: x.customer, HoldId: x.hold}
		}),
		"RequestErasure": changes(2, func(x target) proto.Message { return erasure(x) }),
		"CancelErasure":  changes(2, func(x target) proto.Message { return &wertfachv1.CancelErasureRequest{Name: x.customer} }),
		"EraseCustomer": withScan(gone, func(x target) proto.Message {
			return &wertfachv1.EraseCustomerRequest{Name: x.customer, Reason: "seen the letter"}
		}),
		"ListErasureReceipts": reads(func(target) proto.Message { return &wertfachv1.ListErasureReceiptsRequest{Parent: bank, PageSize: 1} }),
		"ListEvents": reads(func(target) proto.Message {
			return &wertfachv1.ListEventsRequest{Parent: bank, StartTime: timestamppb.New(time.Now().Add(-48 * time.Hour))}
		}),
		"VerifyLog": reads(func(target) proto.Message {
			return &wertfachv1.VerifyLogRequest{StartDate: time.Now().UTC().Format(time.DateOnly)}
		}),
		"GetErasureReceipt": reads(func(x target) proto.Message { return &wertfachv1.GetErasureReceiptRequest{Name: x.receipt} }),
	}
}

func erasure(x target) *wertfachv1.RequestErasureRequest {
	return &wertfachv1.RequestErasureRequest{
		Name: x.customer, Ground: wertfachv1.ErasureRequest_GROUND_UNLAWFUL, Reason: "asked for in a letter",
	}
}

// identified gives the request an id of its own, where its kind has one: by it a
// repetition is known.
func identified(m proto.Message) proto.Message {
	if upload, isUpload := m.(*wertfachv1.UploadScanRequest); isUpload {
		identified(upload.GetHeader())
		return m
	}
	if fd := m.ProtoReflect().Descriptor().Fields().ByName("request_id"); fd != nil {
		m.ProtoReflect().Set(fd, protoreflect.ValueOfString(uuid()))
	}
	return m
}

// uuid is a random one (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// customer has no telephone password: hashing it takes its time and memory, and
// has no part in this.
func customer() *wertfachv1.Customer {
	return &wertfachv1.Customer{
		GivenName: "Erika Roswitha", FamilyName: "Mustermann", DateOfBirth: "1984-05-17",
		Address:  &wertfachv1.Address{Street: "Heidestraße 17", PostalCode: "51147", Locality: "Köln", Country: "DE"},
		Iban:     "DE89 3704 0044 0532 0130 00",
		Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION, wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION},
	}
}

func sim() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "her telephone", Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{
		Iccid: "8949 0200 0000 0000 014", Msisdn: "+49 171 2345678", Pin: "4711", Puk: "26354188",
	}}}
}

func document() *wertfachv1.Artefact {
	return &wertfachv1.Artefact{Label: "Personalausweis", Kind: &wertfachv1.Artefact_Document{Document: &wertfachv1.Document{
		Type: wertfachv1.Document_TYPE_IDENTITY_CARD, Number: "L01X00T471",
	}}}
}

func header(parent string) *wertfachv1.UploadScanRequest {
	return &wertfachv1.UploadScanRequest{Part: &wertfachv1.UploadScanRequest_Header{Header: &wertfachv1.UploadScanHeader{
		Parent: parent,
		Scan:   &wertfachv1.Scan{FileName: "Ausweis Rückseite.pdf", MediaType: "application/pdf", SizeBytes: int64(len(content))},
	}}}
}
