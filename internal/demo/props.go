package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
)

// What the story is about, as it stands in the files of examples/. All of it is
// made up.
const (
	customer = "institutes/musterbank/customers/4711"
	puk      = "73194628"
	pan      = "4111 1111 1111 1111"
	digits   = "4111111111111111"
	pdfLine  = "Policy of the made-up insurance for Erika Mustermann"
)

// kinds are the kinds of artefact in the order in which they are registered.
var kinds = []string{"bike", "sim_card", "payment_card", "device", "document"}

func (s *stage) write(name string, content []byte) error {
	return os.WriteFile(s.path(name), content, 0o600)
}

// makePDF writes a PDF of three pages with a line of plain text on each.
func makePDF() []byte {
	const pages = 3
	var out bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	out.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	kids := ""
	for page := range pages {
		kids += fmt.Sprintf("%d 0 R ", 4+2*page)
	}
	object("<< /Type /Pages /Kids [ %s] /Count %d >>", kids, pages)
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	for page := range pages {
		text := fmt.Sprintf("BT /F1 14 Tf 60 760 Td (%s, page %d) Tj ET", pdfLine, page+1)
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>", 5+2*page)
		object("<< /Length %d >>\nstream\n%s\nendstream", len(text), text)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return out.Bytes()
}

// makePhoto writes a photograph of several MiB: a landscape with the noise of a
// cheap camera.
func makePhoto() ([]byte, error) {
	const width, height = 2400, 1600
	noise := rand.New(rand.NewPCG(1, 2))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			hill := 900 + 180*math.Sin(float64(x)/310) + 70*math.Sin(float64(x)/97)
			c := color.RGBA{R: 120, G: 160, B: uint8(200 + y/40), A: 255}
			if float64(y) > hill {
				c = color.RGBA{R: 60, G: uint8(90 + y/30), B: 50, A: 255}
			}
			n := uint8(noise.IntN(40))
			c.R, c.G, c.B = c.R+n, c.G+n, c.B-n
			img.SetRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95})
	return out.Bytes(), err
}
