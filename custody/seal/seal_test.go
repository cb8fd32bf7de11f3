package seal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 27, 28, 29, 63, 64, 1000, 65535, 65536, 1 << 20} {
		plaintext := pattern(size)
		sealed := mustSeal(t, plaintext)
		for name, opener := range openers() {
			opened, err := opener(sealed)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("%s, size %d: %d bytes, %v", name, size, len(opened), err)
			}
		}
	}
}

// openers is this package and the independent implementation.
func openers() map[string]func([]byte) ([]byte, error) {
	return map[string]func([]byte) ([]byte, error){
		"product": func(sealed []byte) ([]byte, error) {
			return open(someKey.Plaintext, somewhere, sealed)
		},
		"reference": func(sealed []byte) ([]byte, error) {
			return refOpen(someKey.Plaintext, someReference(0).binding, sealed)
		},
	}
}

func TestSealingTwiceGivesDifferentObjects(t *testing.T) {
	t.Parallel()
	for name, sealer := range map[string]func(testing.TB, []byte) []byte{"whole": mustSeal, "stream": mustSealStream} {
		a, b := sealer(t, pattern(100)), sealer(t, pattern(100))
		at := headerSize
		if !bytes.Equal(a[:at], b[:at]) {
			t.Errorf("%s: headers differ", name)
		}
		if bytes.Equal(a[at:at+12], b[at:at+12]) || bytes.Equal(a[at+40:], b[at+40:]) {
			t.Errorf("%s: same nonce or same ciphertext", name)
		}
	}
}

func TestSealLeavesItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	plaintext := pattern(1000)
	sealed := mustSeal(t, plaintext)
	before := bytes.Clone(sealed)
	opened, err := seal.Open(someKey.Plaintext, somewhere, sealed)
	if err != nil {
		t.Fatal(err)
	}
	clear(opened)
	_ = append(opened, 1, 2, 3)
	h, err := seal.ParseHeader(sealed)
	if err != nil {
		t.Fatal(err)
	}
	clear(h.Wrapped)
	if !bytes.Equal(sealed, before) || !bytes.Equal(plaintext, pattern(1000)) {
		t.Error("sealing or opening wrote into its arguments or shares memory with them")
	}
}

func TestUnusableArguments(t *testing.T) {
	t.Parallel()
	type change func(*seal.Key, *seal.Binding)
	long := strings.Repeat("x", 1025)
	for name, change := range map[string]change{
		"no data key":         func(k *seal.Key, _ *seal.Binding) { k.Plaintext = nil },
		"data key of 16":      func(k *seal.Key, _ *seal.Binding) { k.Plaintext = pattern(17)[1:] },
		"data key of 31":      func(k *seal.Key, _ *seal.Binding) { k.Plaintext = pattern(32)[1:] },
		"data key of 33":      func(k *seal.Key, _ *seal.Binding) { k.Plaintext = pattern(34)[1:] },
		"data key of zeros":   func(k *seal.Key, _ *seal.Binding) { k.Plaintext = make([]byte, 32) },
		"empty name":          func(k *seal.Key, _ *seal.Binding) { k.Name = "" },
		"long name":           func(k *seal.Key, _ *seal.Binding) { k.Name = strings.Repeat("x", 129) },
		"name with a path":    func(k *seal.Key, _ *seal.Binding) { k.Name = "a/../b" },
		"upper-case name":     func(k *seal.Key, _ *seal.Binding) { k.Name = "Key" },
		"name with a hyphen":  func(k *seal.Key, _ *seal.Binding) { k.Name = "-key" },
		"look-alike in name":  func(k *seal.Key, _ *seal.Binding) { k.Name = "kеy" }, // Cyrillic
		"nothing wrapped":     func(k *seal.Key, _ *seal.Binding) { k.Wrapped = nil },
		"too much wrapped":    func(k *seal.Key, _ *seal.Binding) { k.Wrapped = make([]byte, 1025) },
		"empty institute":     func(_ *seal.Key, b *seal.Binding) { b.Institute = "" },
		"empty pseudonym":     func(_ *seal.Key, b *seal.Binding) { b.Pseudonym = "" },
		"empty object":        func(_ *seal.Key, b *seal.Binding) { b.Object = "" },
		"empty compartment":   func(_ *seal.Key, b *seal.Binding) { b.Compartment = "" },
		"long institute":      func(_ *seal.Key, b *seal.Binding) { b.Institute = long },
		"long object":         func(_ *seal.Key, b *seal.Binding) { b.Object = long },
		"long everything":     func(_ *seal.Key, b *seal.Binding) { *b = seal.Binding{long, long, long, long} },
		"nothing set at all":  func(k *seal.Key, b *seal.Binding) { *k, *b = seal.Key{}, seal.Binding{} },
		"key that was erased": func(k *seal.Key, _ *seal.Binding) { k.Plaintext = bytes.Clone(k.Plaintext); k.Clear() },
	} {
		k, b := someKey, somewhere
		change(&k, &b)
		if _, err := seal.Seal(k, b, nil); !errors.Is(err, seal.ErrInvalid) {
			t.Errorf("%s: Seal: %v", name, err)
		}
		if _, _, err := seal.SealStream(k, b, bytes.NewReader(nil), 0); !errors.Is(err, seal.ErrInvalid) {
			t.Errorf("%s: SealStream: %v", name, err)
		}
		if k.Name != someKey.Name || !bytes.Equal(k.Wrapped, someKey.Wrapped) {
			continue // opening takes these from the object
		}
		if _, err := seal.Open(k.Plaintext, b, mustSeal(t, nil)); !errors.Is(err, seal.ErrInvalid) {
			t.Errorf("%s: Open: %v", name, err)
		}
		if _, err := openStream(k.Plaintext, b, bytes.NewReader(mustSealStream(t, nil))); !errors.Is(err, seal.ErrInvalid) {
			t.Errorf("%s: OpenStream: %v", name, err)
		}
	}
}

func TestSizesOutOfBounds(t *testing.T) {
	t.Parallel()
	if _, err := seal.Seal(someKey, somewhere, make([]byte, seal.MaxPlaintext+1)); !errors.Is(err, seal.ErrSize) {
		t.Errorf("Seal: %v", err)
	}
	for _, size := range []int64{-1, seal.MaxStream + 1, 1<<63 - 1, -1 << 63} {
		if _, _, err := seal.SealStream(someKey, somewhere, bytes.NewReader(nil), size); !errors.Is(err, seal.ErrSize) {
			t.Errorf("SealStream of %d: %v", size, err)
		}
	}
	if _, _, err := seal.SealStream(someKey, somewhere, bytes.NewReader(nil), seal.MaxStream); err != nil {
		t.Errorf("SealStream of the greatest size: %v", err)
	}
}

// A data key gets into no log and no error, whichever way it is printed.
func TestKeyDoesNotPrintItself(t *testing.T) {
	t.Parallel()
	k := seal.Key{Name: "name", Wrapped: []byte("WRAPPED"), Plaintext: []byte(strings.Repeat("MARKER--", 4))}
	nested := struct{ K *seal.Key }{&k}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		fmt.Fprintf(&out, verb+"\n", k)
		fmt.Fprintf(&out, verb+"\n", &k)
		fmt.Fprintf(&out, verb+"\n", []seal.Key{k})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "key", k, "nested", nested)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "key", k, "nested", nested)
	if err := json.NewEncoder(&out).Encode(nested); err != nil {
		t.Fatal(err)
	}
	_, err := seal.Open(k.Plaintext, somewhere, mustSeal(t, []byte("MARKER--")))
	fmt.Fprintln(&out, err)

	text := out.String()
	for _, marker := range []string{"MARKER", "4d41524b4552", "4D41524B4552", "77 65 82 75", "TUFSS0V"} {
		if strings.Contains(text, marker) {
			t.Errorf("a key printed itself:\n%s", text)
		}
	}
	if !strings.Contains(text, "[data key]") {
		t.Errorf("nothing was printed:\n%s", text)
	}
}
