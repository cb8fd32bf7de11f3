package e2e_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// scanFile is a file of one of the types that are taken.
type scanFile struct {
	name, mediaType string
	content         []byte
}

// everyFile is a file of each type, real ones but for HEIC, which is told by
// its first box alone. Each has at least so many bytes.
func everyFile(t testing.TB, size int) []scanFile {
	t.Helper()
	return []scanFile{
		{"Personalausweis.pdf", "application/pdf", pdfFile(size, "Ausweisnummer L01X00T471")},
		{"Foto vom Rad.jpg", "image/jpeg", jpegFile(t, size)},
		{"Rechnung.png", "image/png", pngFile(t, size)},
		{"Fax.tif", "image/tiff", tiffFile(size)},
		{"IMG_0815.HEIC", "image/heic", heicFile(size)},
	}
}

// pdfFile is a document of several pages with a line of text on each, filled up
// with a stream that no page shows.
func pdfFile(size int, line string) []byte {
	const pages = 3
	var out bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n", len(offsets))
		fmt.Fprintf(&out, format, args...)
		out.WriteString("\nendobj\n")
	}
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 4+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), pages)
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for i := range pages {
		text := fmt.Sprintf("BT /F1 14 Tf 72 720 Td (%s, page %d) Tj ET", line, i+1)
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", 5+2*i)
		object("<< /Length %d >>\nstream\n%s\nendstream", len(text), text)
	}
	noise := noise(max(0, size-out.Len()))
	object("<< /Length %d >>\nstream\n%s\nendstream", len(noise), noise)
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, table)
	return out.Bytes()
}

// picture is noise, which no encoder makes smaller.
func picture(size int) *image.Gray {
	side := 16
	for side*side < size {
		side *= 2
	}
	return &image.Gray{Pix: noise(side * side), Stride: side, Rect: image.Rect(0, 0, side, side)}
}

func jpegFile(t testing.TB, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture(size), &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func pngFile(t testing.TB, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&out, picture(size)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tiffFile is an uncompressed grey picture in one strip (TIFF 6.0).
func tiffFile(size int) []byte {
	p := picture(size)
	order := binary.LittleEndian
	out := order.AppendUint32([]byte("II*\x00"), uint32(8+len(p.Pix)))
	out = append(out, p.Pix...)
	side := uint32(p.Stride)
	fields := [][3]uint32{ // tag, type, value
		{256, 4, side}, {257, 4, side}, {258, 3, 8}, {259, 3, 1}, {262, 3, 1}, {273, 4, 8}, {277, 3, 1}, {278, 4, side},
		{279, 4, uint32(len(p.Pix))},
	}
	out = order.AppendUint16(out, uint16(len(fields)))
	for _, f := range fields {
		out = order.AppendUint16(out, uint16(f[0]))
		out = order.AppendUint16(out, uint16(f[1]))
		out = order.AppendUint32(out, 1)
		out = order.AppendUint32(out, f[2])
	}
	return order.AppendUint32(out, 0)
}

// heicFile begins as one does (ISO/IEC 23008-12) and goes on with a box of noise.
func heicFile(size int) []byte {
	out := []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
	out = binary.BigEndian.AppendUint32(out, uint32(8+size))
	return append(append(out, "mdat"...), noise(size)...)
}

// noise is always the same.
func noise(size int) []byte {
	out := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}
