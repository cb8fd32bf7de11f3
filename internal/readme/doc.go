// Package readme has only tests: they run the commands that README.md shows, in
// its order, against the program as it is built, and check that what it links
// to is there.
package readme
