package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wertfach/wertfach/internal/testenv"
	"github.com/wertfach/wertfach/server/access"
)

// TestDataProtection looks for the tests and the RPCs that docs/data-protection.md
// names as evidence. A test is named after its package: `custody` `TestErase`,
// `TestShed`. Other words in camel case are RPCs, alone or as `Service/Method`.
func TestDataProtection(t *testing.T) {
	root, err := testenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "data-protection.md"))
	if err != nil {
		t.Fatal(err)
	}
	rpcs := map[string]bool{}
	for _, service := range access.Services() {
		for i := range service.Methods().Len() {
			method := string(service.Methods().Get(i).Name())
			rpcs[method], rpcs[string(service.Name())+"/"+method] = true, true
		}
	}
	quoted := regexp.MustCompile("`([^`\n]+)`")
	camel := regexp.MustCompile(`^[A-Z][a-z]+[A-Z][A-Za-z]*(/[A-Za-z]+)?$`)
	tests, named := 0, 0
	for line := range strings.Lines(string(page)) {
		for cell := range strings.SplitSeq(line, "|") {
			var folder string
			for _, found := range quoted.FindAllStringSubmatch(cell, -1) {
				switch word := found[1]; {
				case strings.HasPrefix(word, "Test"):
					tests++
					if !hasTest(t, filepath.Join(root, folder), word) {
						t.Errorf("there is no %s in %q", word, folder)
					}
				case camel.MatchString(word):
					named++
					if !rpcs[word] {
						t.Errorf("the schema has no RPC %s", word)
					}
				default:
					folder = word
				}
			}
		}
	}
	if tests < 100 || named < 40 {
		t.Errorf("found only %d tests and %d RPCs: the page is read wrongly", tests, named)
	}
}

// hasTest says whether a folder has a test of that name.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T) {") {
			return true
		}
	}
	return false
}
