package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// This file is a second implementation of docs/format.md, written from that
// page and using nothing of the package or of Tink: it proves that the page
// says everything that a reader in another language needs. It prefers being
// plain to being fast, and keeps whole objects in memory.

var errRef = errors.New("reference: does not open")

// refObject is everything that determines a sealed object.
type refObject struct {
	algorithm    byte
	keyName      string
	wrapped      []byte
	dataKey      []byte
	binding      [4]string // institute, pseudonym, object, compartment
	nonce        []byte    // algorithm 1
	salt, prefix []byte    // algorithm 2
}

func (o refObject) header() []byte {
	out := []byte{'W', 'F', 1, o.algorithm, byte(len(o.keyName))}
	out = append(out, o.keyName...)
	out = append(out, byte(len(o.wrapped)>>8), byte(len(o.wrapped)))
	return append(out, o.wrapped...)
}

// refAssociatedData takes the header, of which all is bound up to the key's name.
func refAssociatedData(header []byte, binding [4]string) []byte {
	var out []byte
	named := string(header[:5+int(header[4])])
	for _, part := range []string{"wertfach sealed object v1", named, binding[0], binding[1], binding[2], binding[3]} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

func refGCM(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// refPad is the padding of algorithm 1.
func refPad(plaintext []byte) []byte {
	n := 4 + len(plaintext)
	size := 32
	if n > 32 {
		e := bits.Len(uint(n)) - 1 // floor(log2 n)
		s := bits.Len(uint(e))     // floor(log2 e) + 1
		unit := 1 << (e - s)
		size = (n + unit - 1) / unit * unit
	}
	out := make([]byte, size)
	binary.BigEndian.PutUint32(out, uint32(len(plaintext)))
	copy(out[4:], plaintext)
	return out
}

// sealPadded seals what is padded already, as algorithm 1 does.
func (o refObject) sealPadded(padded []byte) []byte {
	header := o.header()
	out := append(bytes.Clone(header), o.nonce...)
	return refGCM(o.dataKey).Seal(out, o.nonce, padded, refAssociatedData(header, o.binding))
}

const (
	refFirst   = 65536 - 40 - 16 // plaintext in the first segment of a stream
	refFurther = 65536 - 16      // and in each further one
)

func refSegmentNonce(prefix []byte, index int, last bool) []byte {
	out := append([]byte{}, prefix...)
	out = binary.BigEndian.AppendUint32(out, uint32(index))
	if last {
		return append(out, 1)
	}
	return append(out, 0)
}

// seal makes the sealed object.
func (o refObject) seal(plaintext []byte) []byte {
	if o.algorithm == 1 {
		return o.sealPadded(refPad(plaintext))
	}
	return o.sealStream(plaintext)
}

func (o refObject) sealStream(plaintext []byte) []byte {
	header := o.header()
	streamKey, err := hkdf.Key(sha256.New, o.dataKey, o.salt, string(refAssociatedData(header, o.binding)), 32)
	if err != nil {
		panic(err)
	}
	aead := refGCM(streamKey)
	out := append(bytes.Clone(header), 40)
	out = append(out, o.salt...)
	out = append(out, o.prefix...)
	for index, room := 0, refFirst; ; index, room = index+1, refFurther {
		n := min(room, len(plaintext))
		last := n == len(plaintext)
		out = aead.Seal(out, refSegmentNonce(o.prefix, index, last), plaintext[:n], nil)
		if plaintext = plaintext[n:]; last {
			return out
		}
	}
}

// refOpen opens a sealed object of either algorithm.
func refOpen(dataKey []byte, binding [4]string, sealed []byte) ([]byte, error) {
	if len(sealed) < 5 || string(sealed[:3]) != "WF\x01" {
		return nil, fmt.Errorf("%w: magic or version", errRef)
	}
	nameEnd := 5 + int(sealed[4])
	if len(sealed) < nameEnd+2 {
		return nil, fmt.Errorf("%w: key name", errRef)
	}
	headerEnd := nameEnd + 2 + int(binary.BigEndian.Uint16(sealed[nameEnd:]))
	if len(sealed) < headerEnd {
		return nil, fmt.Errorf("%w: wrapped data key", errRef)
	}
	ad := refAssociatedData(sealed[:headerEnd], binding)
	payload := sealed[headerEnd:]
	switch sealed[3] {
	case 1:
		return refOpenWhole(dataKey, ad, payload)
	case 2:
		return refOpenStream(dataKey, ad, payload)
	}
	return nil, fmt.Errorf("%w: algorithm", errRef)
}

func refOpenWhole(dataKey, ad, payload []byte) ([]byte, error) {
	if len(payload) < 12+32+16 {
		return nil, fmt.Errorf("%w: too short", errRef)
	}
	padded, err := refGCM(dataKey).Open(nil, payload[:12], payload[12:], ad)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errRef, err)
	}
	n := int(binary.BigEndian.Uint32(padded))
	if n > len(padded)-4 || !bytes.Equal(padded, refPad(padded[4:4+n])) {
		return nil, fmt.Errorf("%w: padding", errRef)
	}
	return padded[4 : 4+n], nil
}

func refOpenStream(dataKey, ad, payload []byte) ([]byte, error) {
	if len(payload) < 40 || payload[0] != 40 {
		return nil, fmt.Errorf("%w: head of the stream", errRef)
	}
	salt, prefix, rest := payload[1:33], payload[33:40], payload[40:]
	streamKey, err := hkdf.Key(sha256.New, dataKey, salt, string(ad), 32)
	if err != nil {
		return nil, err
	}
	aead := refGCM(streamKey)
	plaintext := []byte{}
	for index, room := 0, refFirst; ; index, room = index+1, refFurther {
		n := min(room+16, len(rest))
		last := n == len(rest)
		plaintext, err = aead.Open(plaintext, refSegmentNonce(prefix, index, last), rest[:n], nil)
		if err != nil {
			return nil, fmt.Errorf("%w: segment %d", errRef, index)
		}
		if rest = rest[n:]; last {
			return plaintext, nil
		}
	}
}
