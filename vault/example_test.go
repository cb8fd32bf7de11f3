package vault_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/wertfach/wertfach/vault"
	"github.com/wertfach/wertfach/vault/keyring"
)

// A customer's key from enrolment to erasure.
func Example() {
	dir, err := os.MkdirTemp("", "keyring")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	driver, err := keyring.Open(keyring.Config{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	keys := vault.New(driver)
	defer keys.Close()

	ctx := context.Background()
	const customer = "sparkasse-4g7tq0m1c9d2"
	dk, err := keys.Create(ctx, customer, vault.Dossier) // enrolment
	if err != nil {
		log.Fatal(err)
	}
	// Here the dossier is sealed with dk.Plaintext, and dk.Wrapped stored beside it.

	plain, err := keys.Unwrap(ctx, customer, vault.Dossier, dk.Wrapped) // each reading
	fmt.Println(len(plain), err)
	_, err = keys.Unwrap(ctx, customer, vault.Secret, dk.Wrapped) // another compartment
	fmt.Println(errors.Is(err, vault.ErrInvalid))

	fmt.Println(keys.Destroy(ctx, customer)) // erasure
	_, err = keys.Unwrap(ctx, customer, vault.Dossier, dk.Wrapped)
	fmt.Println(errors.Is(err, vault.ErrNotFound))
	// Output:
	// 32 <nil>
	// true
	// <nil>
	// true
}
