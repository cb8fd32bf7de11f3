package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// A search looks for values in every byte of files and logs, in each form in
// which a program might have written them.
type search struct {
	folded index // compared with text in lower case
	exact  index // where case counts, as in base64
}

// newSearch takes the values to look for. Each has at least 8 bytes: shorter
// ones are found by chance.
func newSearch(t testing.TB, markers []string) *search {
	t.Helper()
	s := &search{folded: newIndex(), exact: newIndex()}
	for i, marker := range markers {
		if len(marker) < 8 {
			t.Fatalf("the marker %q is too short to mean something", marker)
		}
		bare := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" -/.'’", r) {
				return -1
			}
			return r
		}, marker)
		for _, spelling := range []string{marker, bare, grouped(bare)} {
			s.spell(i, spelling)
		}
	}
	return s
}

// spell adds the forms of one spelling.
func (s *search) spell(marker int, spelling string) {
	lower := string(fold([]byte(spelling)))
	units := utf16.Encode([]rune(lower))
	little, big := make([]byte, 0, 2*len(units)), make([]byte, 0, 2*len(units))
	for _, u := range units {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	for _, text := range [][]byte{[]byte(lower), little, big, []byte(hex.EncodeToString([]byte(spelling)))} {
		s.folded.add(marker, text)
	}
	for shift := range 3 {
		s.exact.add(marker, shifted(base64.RawStdEncoding, spelling, shift))
		s.exact.add(marker, shifted(base64.RawURLEncoding, spelling, shift))
	}
}

// An index finds many texts in one pass: by the first three bytes it knows
// where one may begin.
type index struct {
	begins []uint64 // a bit for each three bytes
	texts  map[uint32][]form
}

// A form is a text, and the place in the list of the marker that it stands for.
type form struct {
	marker int
	text   []byte
}

func newIndex() index { return index{make([]uint64, 1<<24/64), map[uint32][]form{}} }

func beginning(text []byte) uint32 { return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 }

func (x index) add(marker int, text []byte) {
	key := beginning(text)
	known := func(f form) bool { return f.marker == marker && bytes.Equal(f.text, text) }
	if !slices.ContainsFunc(x.texts[key], known) {
		x.begins[key/64] |= 1 << (key % 64)
		x.texts[key] = append(x.texts[key], form{marker, text})
	}
}

// in adds the markers that the data holds to those that were found.
func (x index) in(data []byte, found map[int]bool) {
	for i := range max(0, len(data)-2) {
		key := beginning(data[i:])
		if x.begins[key/64]&(1<<(key%64)) == 0 {
			continue
		}
		for _, f := range x.texts[key] {
			if bytes.HasPrefix(data[i:], f.text) {
				found[f.marker] = true
			}
		}
	}
}

// shifted is what base64 makes of a text wherever it begins at a place that is
// shift more than a multiple of three: without the characters at both ends that
// depend on its neighbours.
func shifted(encoding *base64.Encoding, text string, shift int) []byte {
	whole := encoding.EncodeToString(append(make([]byte, shift), text...))
	from, to := (8*shift+5)/6, (shift+len(text))*8/6
	return []byte(whole[from:to])
}

// grouped is how people write long numbers.
func grouped(s string) string {
	var out strings.Builder
	for i, r := range []rune(s) {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// in gives the places in the list of the markers that the data holds.
func (s *search) in(data []byte) []int {
	found := map[int]bool{}
	s.exact.in(data, found)
	s.folded.in(fold(data), found)
	return slices.Sorted(maps.Keys(found))
}

// fold is text in lower case, as far as it is ASCII, and leaves all else alone.
func fold(data []byte) []byte {
	out := slices.Clone(data)
	for i, b := range out {
		if 'A' <= b && b <= 'Z' {
			out[i] = b + 'a' - 'A'
		}
	}
	return out
}

// inFolders searches every byte of every file, its name included.
func (s *search) inFolders(t testing.TB, folders []string) (found []int, size int) {
	t.Helper()
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if os.IsNotExist(err) {
				return nil // a server's temporary file
			}
			size += len(data)
			found = append(found, s.in(append(dense(data), path...))...)
			return err
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), size
}

// dense leaves out what databases keep empty: whole pages of zeros. They end
// texts on both sides, so nothing is torn.
func dense(data []byte) []byte {
	const page = 4096
	empty := make([]byte, page)
	var out []byte
	for chunk := range slices.Chunk(data, page) {
		if !bytes.Equal(chunk, empty[:len(chunk)]) {
			out = append(out, chunk...)
		}
	}
	return out
}

// The search finds each form, and can fail.
func TestSearchFindsEveryForm(t *testing.T) {
	t.Parallel()
	const marker = "DE89 3704-Jördis 0130"
	s := newSearch(t, []string{"not in there", marker})
	noise := strings.Repeat("\xff\x00 some neighbour ", 300)
	utf := func(text string, order int) string {
		var out []byte
		for _, u := range utf16.Encode([]rune(text)) {
			pair := []byte{byte(u), byte(u >> 8)}
			out = append(out, pair[order], pair[1-order])
		}
		return string(out)
	}
	bare := "DE893704Jördis0130"
	for name, text := range map[string]string{
		"as it is": marker, "in lower case": strings.ToLower(marker), "without spaces": bare,
		"in groups": "DE89 3704 Jörd is01 30", "UTF-16 little": utf(marker, 0), "UTF-16 big": utf(marker, 1),
		"hexadecimal": hex.EncodeToString([]byte(marker)), "upper hexadecimal": strings.ToUpper(hex.EncodeToString([]byte(bare))),
		"base64 at 0": base64.StdEncoding.EncodeToString([]byte("abc" + marker + "x")),
		"base64 at 1": base64.StdEncoding.EncodeToString([]byte("abcd" + marker + "yy")),
		"base64 at 2": base64.URLEncoding.EncodeToString([]byte("abcde" + bare + "z")),
		"in JSON":     base64.StdEncoding.EncodeToString([]byte(`{"iban":"` + marker + `"}`)),
	} {
		if got := s.in([]byte(noise + text + noise)); !slices.Equal(got, []int{1}) {
			t.Errorf("%s: found %v", name, got)
		}
	}
	if got := s.in([]byte(noise)); len(got) > 0 {
		t.Errorf("found %v in nothing", got)
	}
}
