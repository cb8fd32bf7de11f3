package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/wertfach/wertfach/client"
	wertfachv1 "github.com/wertfach/wertfach/proto/wertfach/v1"
)

func (c *cli) scan() *cobra.Command {
	cmd := &cobra.Command{Use: "scan", Short: "scans and photographs that belong to an artefact"}
	cmd.AddCommand(c.scanUpload(), c.scanDownload(), c.scanDelete())
	return cmd
}

func (c *cli) scanUpload() *cobra.Command {
	var artefact string
	cmd := &cobra.Command{
		Use:   "upload --artefact NAME FILE...",
		Short: "add files to an artefact",
		Long: `Upload adds files to an artefact: PDF, JPEG, PNG, TIFF and HEIC, as their content tells.
It prints a description for each as it is done, one after the other. Where one is refused
it stops; those before it stay.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("FILE is missing")
			}
			return nil
		},
		RunE: c.asksWithin(transferTimeout, func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			for _, file := range args { // before the first is sent
				if _, err := sizeOf(file); err != nil {
					return nil, err
				}
			}
			for _, file := range args {
				scan, err := c.upload(ctx, vault, artefact, file)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", file, err)
				}
				if err := c.print(scan); err != nil {
					return nil, err
				}
			}
			return nil, nil
		}),
	}
	cmd.Flags().StringVar(&artefact, "artefact", "", "the artefact's `NAME`")
	return must(cmd, "artefact")
}

// upload adds a file to an artefact.
func (c *cli) upload(ctx context.Context, vault *client.Client, artefact, file string) (*wertfachv1.Scan, error) {
	size, err := sizeOf(file)
	if err != nil {
		return nil, err
	}
	content, err := os.Open(file)
	if err != nil {
		return nil, usageError{err}
	}
	defer content.Close()
	bar := c.progress(filepath.Base(file))
	defer bar.end()
	bar.begin(size)
	scan, err := vault.UploadScan(ctx, artefact, io.TeeReader(content, bar), size, client.FileName(filepath.Base(file)))
	return scan, local(err)
}

// sizeOf is the size of a file that can be uploaded.
func sizeOf(file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, usageError{err}
	}
	if !info.Mode().IsRegular() {
		return 0, usageError{fmt.Errorf("%s is not a file", file)}
	}
	return info.Size(), nil
}

func (c *cli) scanDownload() *cobra.Command {
	var out outFile
	cmd, purpose := restrictedFlag(&cobra.Command{
		Use:   "download NAME --out FILE",
		Short: "fetch a scan",
		Long: `Download writes the scan to the file and prints its description. The file is there
once it is whole and its SHA-256 is that of the scan; where that fails, nothing is left.

With --out - the content goes to standard output as it comes, and the exit code tells
whether it was whole.`,
		Args: takes("NAME"),
	})
	cmd.RunE = c.asksWithin(transferTimeout, func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
		return out.write(c, func(w io.Writer) (proto.Message, error) {
			bar := c.progress(filepath.Base(out.path))
			defer bar.end()
			return vault.DownloadScan(ctx, args[0], io.MultiWriter(w, bar),
				client.DownloadRestricted(wertfachv1.RestrictedPurpose(purpose.number)),
				client.Begin(func(scan *wertfachv1.Scan) { bar.begin(scan.GetSizeBytes()) }))
		})
	})
	return out.flags(cmd, "the content")
}

func (c *cli) scanDelete() *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "remove a scan",
		Args:  takes("NAME"),
		RunE: c.asks(func(ctx context.Context, vault *client.Client, args []string) (proto.Message, error) {
			_, err := vault.Artefacts.DeleteScan(ctx, &wertfachv1.DeleteScanRequest{Name: args[0]})
			return nil, err
		}),
	}
}
