package seal_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wertfach/wertfach/custody/seal"
)

// newKey stands for the key server, which gives a data key in clear and wrapped.
func newKey() seal.Key {
	k := seal.Key{Name: "musterbank-customer-1", Wrapped: []byte("wrapped"), Plaintext: make([]byte, seal.KeySize)}
	rand.Read(k.Plaintext)
	return k
}

// unwrap stands for the key server, which gives the data key back.
func unwrap(k seal.Key, name string, wrapped []byte) []byte {
	if name != k.Name || !bytes.Equal(wrapped, k.Wrapped) {
		panic("not this server's key")
	}
	return k.Plaintext
}

func Example() {
	k := newKey()
	defer k.Clear()
	b := seal.Binding{
		Institute: "musterbank", Pseudonym: "customer",
		Object: "musterbank/dossiers/customer", Compartment: "dossier",
	}
	sealed, err := seal.Seal(k, b, []byte("frame number WT-4711"))
	if err != nil {
		fmt.Println(err)
		return
	}

	h, err := seal.ParseHeader(sealed)
	if err != nil || !strings.HasPrefix(h.KeyName, b.Institute+"-"+b.Pseudonym+"-") {
		fmt.Println("another customer's object", err)
		return
	}
	plaintext, err := seal.Open(unwrap(k, h.KeyName, h.Wrapped), b, sealed)
	fmt.Printf("%s, %v\n", plaintext, err)

	b.Object = "musterbank/dossiers/another"
	_, err = seal.Open(k.Plaintext, b, sealed)
	fmt.Println("elsewhere:", err)
	// Output:
	// frame number WT-4711, <nil>
	// elsewhere: sealed object does not open: not authentic
}

func ExampleSealStream() {
	k := newKey()
	b := seal.Binding{
		Institute: "musterbank", Pseudonym: "customer",
		Object: "musterbank/scans/customer/scan", Compartment: "scan",
	}
	scan := "%PDF-1.7 the pages of a scan"
	sealing, size, err := seal.SealStream(k, b, strings.NewReader(scan), int64(len(scan)))
	if err != nil {
		fmt.Println(err)
		return
	}
	var store bytes.Buffer
	if n, err := io.Copy(&store, sealing); n != size {
		fmt.Println(err)
		return
	}

	h, err := seal.ReadHeader(&store)
	if err != nil {
		fmt.Println(err)
		return
	}
	opening, err := seal.OpenStream(unwrap(k, h.KeyName, h.Wrapped), b, h, &store)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := io.Copy(os.Stdout, opening); err != nil {
		fmt.Println(err) // what was written up to here is to be thrown away
	}
	// Output: %PDF-1.7 the pages of a scan
}
