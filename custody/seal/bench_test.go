package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"io"
	"testing"

	"github.com/wertfach/wertfach/custody/seal"
)

func BenchmarkSeal(b *testing.B) {
	for _, size := range []int{16, 1 << 10, 64 << 10, 4 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			plaintext := pattern(size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := seal.Seal(someKey, somewhere, plaintext); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range []int{16, 1 << 10, 64 << 10, 4 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			sealed := mustSeal(b, pattern(size))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := seal.Open(someKey.Plaintext, somewhere, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSealStream(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			plaintext := pattern(size)
			buf := make([]byte, 64<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r, _, err := seal.SealStream(someKey, somewhere, bytes.NewReader(plaintext), int64(size))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := drain(r, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpenStream(b *testing.B) {
	for _, size := range []int{1 << 10, 10 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			sealed := mustSealStream(b, pattern(size))
			buf := make([]byte, 64<<10)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r, err := openStream(someKey.Plaintext, somewhere, bytes.NewReader(sealed))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := drain(r, buf); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// drain reads r to its end through buf.
func drain(r io.Reader, buf []byte) (total int64, err error) {
	for {
		n, err := r.Read(buf)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// BenchmarkFloor is bare AES-256-GCM in place over segments of the stream's
// size: what the machine's instructions give.
func BenchmarkFloor(b *testing.B) {
	block, err := aes.NewCipher(someKey.Plaintext)
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	nonce, segment := make([]byte, 12), make([]byte, 64<<10, 64<<10+16)
	b.SetBytes(int64(len(segment)))
	for b.Loop() {
		aead.Seal(segment[:0], nonce, segment, nil)
	}
}
