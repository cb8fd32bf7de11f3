module github.com/wertfach/wertfach/tools/house

go 1.26
