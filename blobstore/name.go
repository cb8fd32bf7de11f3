package blobstore

import "strings"

const (
	// MaxName is the longest name, in bytes. S3 allows 1,024.
	MaxName = 512
	// MaxSegment is the longest part of a name between slashes, in bytes:
	// what file systems allow, since servers keep objects as files.
	MaxSegment = 255
)

// CheckName says whether an object may have that name, and returns [ErrName]
// where not. A name is made of segments joined by slashes; a segment has 1 to
// [MaxSegment] characters of a-z, 0-9, dot, underscore and hyphen, and is
// neither "." nor "..". So no name leaves its folder, on any server and any
// file system, and none needs escaping.
func CheckName(name string) error {
	if len(name) == 0 || len(name) > MaxName {
		return ErrName
	}
	for segment := range strings.SplitSeq(name, "/") {
		if !validSegment(segment) {
			return ErrName
		}
	}
	return nil
}

// CheckPrefix says whether [Store.List] takes that prefix: the empty one, a
// name, or the beginning of a name that ends anywhere, even after a slash.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return CheckName(strings.TrimSuffix(prefix, "/"))
}

func validSegment(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > MaxSegment {
		return false
	}
	for i := range len(s) {
		if !validByte(s[i]) {
			return false
		}
	}
	return true
}

func validByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return true
	default:
		return c == '.' || c == '_' || c == '-'
	}
}
