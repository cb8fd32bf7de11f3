package export

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// endings are those that a file of a media type may have; the first is added where
// it has another one.
var endings = map[string][]string{
	"application/pdf": {".pdf"},
	"image/jpeg":      {".jpg", ".jpeg"},
	"image/png":       {".png"},
	"image/tiff":      {".tiff", ".tif"},
	"image/heic":      {".heic", ".heif"},
}

// nameLength is how many bytes of a customer's own name of a file are kept: with the
// number before and an ending after it stays far below what any file system takes.
const nameLength = 120

// fileName is a name for the n-th scan of an artefact that every file system takes,
// and that names no folder, whatever the customer called it. The number makes it
// unique where case does not count; the ending is of what the file is.
func fileName(n int, original, mediaType string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '_'
		case unicode.IsLetter(r), unicode.IsMark(r), unicode.IsDigit(r), strings.ContainsRune(" .-_()", r):
			return r
		}
		return '_' // separators, controls, marks of direction
	}, norm.NFC.String(original))
	own := endings[mediaType]
	ending := path.Ext(name)
	if slices.Contains(own, strings.ToLower(ending)) {
		name = strings.TrimSuffix(name, ending)
	} else if len(own) > 0 {
		ending = own[0]
	} else {
		ending = ".bin"
	}
	for len(name) > nameLength {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if name = strings.Trim(name, " ."); name == "" {
		name = "scan"
	}
	return fmt.Sprintf("%02d-%s%s", n, name, strings.ToLower(ending))
}
