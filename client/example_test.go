package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/wertfach/wertfach/client"
	"github.com/wertfach/wertfach/custody/fault"
	"github.com/wertfach/wertfach/internal/devserver"
	"github.com/wertfach/wertfach/internal/profile"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

// server starts a server for an example and says how to reach it as a portal.
// In your program the configuration names your own server and certificate.
func server() (cfg client.Config, stop func()) {
	dir, err := os.MkdirTemp("", "wertfach-example-")
	if err != nil {
		log.Fatal(err)
	}
	dev, err := devserver.Start(context.Background(), dir, devserver.Options{})
	if err != nil {
		log.Fatal(err)
	}
	p, err := profile.Read(dev.Profile("portal"))
	if err != nil {
		log.Fatal(err)
	}
	return client.Config{Address: p.Address, CAFile: p.CAFile, CertFile: p.CertFile, KeyFile: p.KeyFile}, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(dev.Stop(ctx), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}

const institute, customer = "institutes/musterbank", "institutes/musterbank/customers/4711"

// enrol makes the customer of the examples.
func enrol(ctx context.Context, vault *client.Client) {
	_, err := vault.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: institute, CustomerId: "4711",
		Customer: &wertfachv1.Customer{
			GivenName: "Anna", FamilyName: "Muster", DateOfBirth: "1984-05-17", Iban: "DE89 3704 0044 0532 0130 00",
			Address: &wertfachv1.Address{PostalCode: "10115"},
			Services: []wertfachv1.Service{
				wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION, wertfachv1.Service_SERVICE_DOCUMENT_PROTECTION,
			},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
}

// A portal enrols a customer, registers a SIM card and shows what is registered.
// What is secret comes back masked.
func Example() {
	cfg, stop := server()
	defer stop()
	vault, err := client.Open(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer vault.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	enrolled, err := vault.Customers.EnrolCustomer(ctx, &wertfachv1.EnrolCustomerRequest{
		Parent: "institutes/musterbank", CustomerId: "4711",
		Customer: &wertfachv1.Customer{
			GivenName: "Anna", FamilyName: "Muster", DateOfBirth: "1984-05-17", Iban: "DE89 3704 0044 0532 0130 00",
			Address:  &wertfachv1.Address{PostalCode: "10115"},
			Services: []wertfachv1.Service{wertfachv1.Service_SERVICE_SIM_CARD_PROTECTION},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_, err = vault.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
		Parent: enrolled.GetName(),
		Artefact: &wertfachv1.Artefact{
			Label: "telephone",
			Kind:  &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Iccid: "8949 0200 0000 0000 014", Puk: "12345678"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for artefact, err := range vault.AllArtefacts(ctx, enrolled.GetName()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(artefact.GetLabel(), artefact.GetSimCard().GetIccid(), artefact.GetSimCard().GetPuk())
	}
	// Output:
	// telephone 8949 0200 0000 0000 014 ••••
}

// The customer typed the PUK wrong. The error says which field of the form to
// mark, and never what was typed.
func Example_errors() {
	cfg, stop := server()
	defer stop()
	vault, err := client.Open(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer vault.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	enrol(ctx, vault)

	_, err = vault.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
		Parent: customer,
		Artefact: &wertfachv1.Artefact{
			Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Iccid: "8949 0200 0000 0000 014", Puk: "1234567"}},
		},
	})
	var failed *fault.Error
	switch {
	case !errors.As(err, &failed):
		log.Fatal("it must not be registered")
	case failed.Kind == fault.Invalid:
		for _, v := range failed.Violations {
			fmt.Printf("%s: %s (%s)\n", v.Field, v.Description, v.Rule)
		}
	case failed.Kind == fault.Unavailable:
		fmt.Println("please try again later")
	default:
		log.Fatal(failed)
	}
	// Output:
	// artefact.sim_card.puk: a PUK has 8 digits (puk.length)
}

// A secret is given out for a purpose, and no more of them than it needs.
func Example_reveal() {
	cfg, stop := server()
	defer stop()
	vault, err := client.Open(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer vault.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	enrol(ctx, vault)

	sim, err := vault.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
		Parent: customer,
		Artefact: &wertfachv1.Artefact{
			Kind: &wertfachv1.Artefact_SimCard{SimCard: &wertfachv1.SimCard{Iccid: "8949 0200 0000 0000 014", Pin: "4711", Puk: "12345678"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	revealed, err := vault.Artefacts.RevealArtefact(ctx, &wertfachv1.RevealArtefactRequest{
		Name:    sim.GetName(),
		Purpose: wertfachv1.RevealPurpose_REVEAL_PURPOSE_UNLOCK,
		Fields:  &fieldmaskpb.FieldMask{Paths: []string{"sim_card.puk"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("PUK", revealed.GetSimCard().GetPuk(), "PIN", revealed.GetSimCard().GetPin())
	// Output:
	// PUK 12345678 PIN ••••
}

// A scan is uploaded as it comes from a browser, and given back the same way.
func ExampleClient_UploadScan() {
	cfg, stop := server()
	defer stop()
	vault, err := client.Open(cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer vault.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	enrol(ctx, vault)

	policy, err := vault.Artefacts.RegisterArtefact(ctx, &wertfachv1.RegisterArtefactRequest{
		Parent: customer,
		Artefact: &wertfachv1.Artefact{
			Kind: &wertfachv1.Artefact_Document{Document: &wertfachv1.Document{Type: wertfachv1.Document_TYPE_INSURANCE_POLICY}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	content := []byte("%PDF-1.7\n…\n%%EOF\n") // often an http.Request's Body, with its ContentLength
	scan, err := vault.UploadScan(ctx, policy.GetName(), bytes.NewReader(content), int64(len(content)), client.FileName("policy.pdf"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scan.GetFileName(), scan.GetMediaType(), scan.GetSizeBytes(), "bytes")

	var back bytes.Buffer // something that can be thrown away if it fails midway
	if _, err := vault.DownloadScan(ctx, scan.GetName(), &back); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the same:", bytes.Equal(back.Bytes(), content))
	// Output:
	// policy.pdf application/pdf 19 bytes
	// the same: true
}
