package seal_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

// go test ./custody/seal -run TestVectors -update writes the vectors anew, from
// the independent implementation. They change only with the format's version.
var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorFile = "testdata/vectors.json"

// hexBytes is bytes that are written as hexadecimal digits in JSON.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// vector is one sealed object with everything that it was made from. A long
// plaintext is given by its size (see pattern), a long object by its SHA-256.
type vector struct {
	Name      string   `json:"name"`
	Algorithm byte     `json:"algorithm"`
	DataKey   hexBytes `json:"data_key"`
	KeyName   string   `json:"key_name"`
	Wrapped   hexBytes `json:"wrapped"`

	Institute   string `json:"institute"`
	Pseudonym   string `json:"pseudonym"`
	Object      string `json:"object"`
	Compartment string `json:"compartment"`

	Nonce       hexBytes `json:"nonce,omitempty"`
	Salt        hexBytes `json:"salt,omitempty"`
	NoncePrefix hexBytes `json:"nonce_prefix,omitempty"`

	Plaintext hexBytes `json:"plaintext,omitempty"`
	Pattern   int      `json:"pattern,omitempty"`

	SealedSize   int      `json:"sealed_size"`
	Sealed       hexBytes `json:"sealed,omitempty"`
	SealedSHA256 hexBytes `json:"sealed_sha256,omitempty"`
}

func (v vector) plaintext() []byte {
	if v.Pattern > 0 {
		return pattern(v.Pattern)
	}
	return v.Plaintext
}

func (v vector) binding() seal.Binding {
	return seal.Binding{Institute: v.Institute, Pseudonym: v.Pseudonym, Object: v.Object, Compartment: v.Compartment}
}

func (v vector) key() seal.Key {
	return seal.Key{Name: v.KeyName, Wrapped: v.Wrapped, Plaintext: v.DataKey}
}

func (v vector) reference() refObject {
	return refObject{
		algorithm: v.Algorithm, keyName: v.KeyName, wrapped: v.Wrapped, dataKey: v.DataKey,
		binding: [4]string{v.Institute, v.Pseudonym, v.Object, v.Compartment},
		nonce:   v.Nonce, salt: v.Salt, prefix: v.NoncePrefix,
	}
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	return file.Vectors
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	for _, v := range loadVectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			plaintext := v.plaintext()

			sealed := v.reference().seal(plaintext)
			if len(sealed) != v.SealedSize {
				t.Errorf("sealed by the reference: %d bytes, want %d", len(sealed), v.SealedSize)
			}
			if v.Sealed != nil && !bytes.Equal(sealed, v.Sealed) {
				t.Errorf("sealed by the reference: %x", sealed)
			}
			if sum := sha256.Sum256(sealed); v.Sealed == nil && !bytes.Equal(sum[:], v.SealedSHA256) {
				t.Errorf("sealed by the reference: SHA-256 %x", sum)
			}
			if v.Algorithm == byte(seal.AES256GCM) {
				got, err := seal.SealWithNonce([12]byte(v.Nonce), v.key(), v.binding(), plaintext)
				if err != nil || !bytes.Equal(got, sealed) {
					t.Errorf("Seal: %x, %v", got, err)
				}
			}

			opened, err := refOpen(v.DataKey, v.reference().binding, sealed)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("opened by the reference: %d bytes, %v", len(opened), err)
			}
			opened, err = open(v.DataKey, v.binding(), sealed)
			if err != nil || !bytes.Equal(opened, plaintext) {
				t.Errorf("opened: %d bytes, %v", len(opened), err)
			}

			h, err := seal.ParseHeader(sealed)
			if err != nil || h.Version != 1 || byte(h.Algorithm) != v.Algorithm || h.KeyName != v.KeyName || !bytes.Equal(h.Wrapped, v.Wrapped) {
				t.Errorf("header: %+v, %v", h, err)
			}
		})
	}
}

func writeVectors(t *testing.T) {
	t.Helper()
	whole := vector{
		Algorithm: 1,
		DataKey:   pattern(256)[1:33],
		KeyName:   "musterbank-customer-1",
		Wrapped:   hexBytes("vault:v1:AAEC"),
		Institute: "musterbank", Pseudonym: "customer", Object: "musterbank/dossiers/customer", Compartment: "dossier",
		Nonce: hexBytes{0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab},
	}
	stream := whole
	stream.Algorithm, stream.Nonce = 2, nil
	stream.Object, stream.Compartment = "musterbank/scans/customer/scan", "scan"
	stream.Salt, stream.NoncePrefix = pattern(512)[300:332], hexBytes{0xb0, 0xb1, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6}

	limits := whole
	limits.Name = "greatest header and binding"
	limits.KeyName = string(bytes.Repeat([]byte("k"), 128))
	limits.Wrapped = pattern(1024)
	limits.Institute = string(bytes.Repeat([]byte("i"), 1024))
	limits.Object = "/ÄÖ\x00" + string(bytes.Repeat([]byte("o"), 1018))
	limits.Plaintext = hexBytes("x")

	var all []vector
	add := func(v vector, name string, text string, size int) {
		v.Name, v.Plaintext, v.Pattern = name, hexBytes(text), size
		all = append(all, v)
	}
	add(whole, "example whole", "PUK 12345678", 0)
	add(whole, "whole, empty", "", 0)
	add(whole, "whole, the greatest of the smallest size", "", 28)
	add(whole, "whole, the smallest of the next size", "", 29)
	add(whole, "whole, 1 KiB", "", 1<<10)
	add(whole, "whole, 1 MiB", "", 1<<20)
	all = append(all, limits)
	add(stream, "example stream", "%PDF-1.7", 0)
	add(stream, "stream, empty", "", 0)
	add(stream, "stream, one byte less than the first segment", "", refFirst-1)
	add(stream, "stream, the first segment full", "", refFirst)
	add(stream, "stream, two segments, the last of one byte", "", refFirst+1)
	add(stream, "stream, two full segments", "", refFirst+refFurther)
	add(stream, "stream, three segments, the last of one byte", "", refFirst+refFurther+1)
	add(stream, "stream, 1 MiB", "", 1<<20)

	for i := range all {
		v := &all[i]
		sealed := v.reference().seal(v.plaintext())
		v.SealedSize = len(sealed)
		if len(sealed) <= 4<<10 {
			v.Sealed = sealed
		} else {
			sum := sha256.Sum256(sealed)
			v.SealedSHA256 = sum[:]
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	err := enc.Encode(map[string]any{
		"about":   "Test vectors of the sealed object format, version 1; see docs/format.md. Bytes are hexadecimal. A plaintext given as pattern N has N bytes, byte i being (7*i + i/256 + i/65536) mod 256 with divisions rounded down.",
		"vectors": all,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
