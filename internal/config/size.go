package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Size is a number of bytes. In the file it is a whole number, with KiB, MiB or
// GiB behind it or nothing.
type Size int64

var units = map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

var errSize = errors.New("not a size")

// UnmarshalYAML reads "50 MiB", "50MiB" or "52428800".
func (s *Size) UnmarshalYAML(node *yaml.Node) error {
	number := strings.TrimRight(node.Value, "KMGiB ")
	factor, known := units[strings.TrimSpace(node.Value[len(number):])]
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || !known || n < 0 || n > math.MaxInt64/factor {
		return errSize
	}
	*s = Size(n * factor)
	return nil
}
