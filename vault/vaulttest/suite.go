// Package vaulttest holds what every keeper of keys must do: one suite of
// tests, run over each [vault.Driver].
//
//	func TestConformance(t *testing.T) {
//		vaulttest.Run(t, func(t *testing.T) vault.Driver { … })
//	}
//
// The suite works through [vault.Keys], as all callers do, and on the driver
// itself where the front type would step in first.
package vaulttest

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/vault"
)

// Run runs the suite. open gives a driver over an empty store, nothing prepared;
// it is called once for each test, and the suite closes what it gives. Tests
// run in parallel.
func Run(t *testing.T, open func(t *testing.T) vault.Driver) {
	tests := []struct {
		name string
		run  func(*testing.T, fixture)
	}{
		{"CreatedKeyOpensWhatItWrapped", testCreate},
		{"DataKeysAreFresh", testDataKey},
		{"ContextsAreNotInterchangeable", testContexts},
		{"KeysAreNotInterchangeable", testKeys},
		{"DestroyedKeyStaysDestroyed", testDestroy},
		{"UnknownKeyIsNotFoundAndNotMade", testUnknown},
		{"EveryFlippedByteIsDetected", testFlipped},
		{"OtherBytesDoNotOpen", testGarbage},
		{"BatchKeepsOrder", testBatch},
		{"BatchOpensAllOrNothing", testBatchFailure},
		{"RotatedKeyOpensOldAndNew", testRotate},
		{"RewrapMovesToTheNewestVersion", testRewrap},
		{"RewrapMovesManyAtOnce", testRewrapAll},
		{"RetiredVersionsDoNotOpen", testRetire},
		{"SignatureVerifiesOverRotations", testSign},
		{"PrepareTwiceChangesNothing", testPrepareTwice},
		{"SystemKeysAreProtected", testSystemKeys},
		{"EndedContextEndsEveryCall", testEndedContext},
		{"ManyAtOnce", testConcurrent},
		{"RotateDisturbsNobody", testRotateRace},
		{"DestroyWinsAgainstUse", testDestroyRace},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := fixture{driver: open(t)}
			f.keys = vault.New(f.driver)
			t.Cleanup(func() {
				if err := f.keys.Close(); err != nil {
					t.Error(err)
				}
			})
			if err := f.keys.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := f.keys.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			test.run(t, f)
		})
	}
}

// fixture is a prepared keeper.
type fixture struct {
	keys   *vault.Keys
	driver vault.Driver
}

// The names of two customers' keys, of the form that enrolment makes.
const (
	alice = "sparkasse-4g7tq0m1c9d2v8k6jh3s5bnfpe1ar0iu-0v3hg5m2k8q1c7d4"
	bob   = "sparkasse-9k2bh6v0s4n8d1r7j5c3mtq0fgpe2aiu-7c1d8q3k5g2m0h4v"
)

var contexts = []vault.Context{vault.Dossier, vault.Secret, vault.Scan, vault.Index, vault.System}

// create makes the key or ends the test.
func (f fixture) create(t *testing.T, key string, c vault.Context) vault.DataKey {
	t.Helper()
	dk, err := f.keys.Create(t.Context(), key, c)
	if err != nil {
		t.Fatal(err)
	}
	return dk
}

// opens checks that the wrapped data key is the one whose plaintext is given.
func (f fixture) opens(t *testing.T, key string, c vault.Context, dk vault.DataKey) {
	t.Helper()
	plain, err := f.keys.Unwrap(t.Context(), key, c, dk.Wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(plain, dk.Plaintext) {
		t.Fatal("unwrapped to other bytes")
	}
}

// isKind checks the kind of an error, and that its text gives nothing away.
func isKind(t *testing.T, err, kind error, secrets ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got error %v, want %v", err, kind)
	}
	if err == nil {
		return
	}
	for _, secret := range append(secrets, alice, bob) {
		if strings.Contains(err.Error(), secret) {
			t.Error("the error's text repeats its input")
		}
	}
}
