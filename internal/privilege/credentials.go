package privilege

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/atomicfile"
)

// The files with which an identity logs in, in a folder of its own.
const (
	roleIDFile    = "vault-role-id"
	secretIDFile  = "vault-secret-id"
	accessKeyFile = "s3-access-key"
	secretKeyFile = "s3-secret-key"
)

// Folder is where in dir the credentials of an identity lie.
func Folder(dir string, id deploy.Identity) string { return filepath.Join(dir, string(id)) }

// IssueVault writes what each lasting identity logs in to Vault with to its
// folder in dir, for its user alone to read. What is there stays, and goes on
// being good.
func (i *Installer) IssueVault(ctx context.Context, dir string) error {
	if i.keys == nil {
		return nil
	}
	for _, id := range deploy.Lasting() {
		folder := Folder(dir, id)
		if there, err := exist(folder, roleIDFile, secretIDFile); there || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		role, secret, err := i.keys.Credentials(ctx, id.Name())
		if err != nil {
			return err
		}
		if err := write(folder, map[string]string{roleIDFile: role, secretIDFile: secret}); err != nil {
			return err
		}
	}
	return nil
}

// IssueStore makes the user of each lasting identity, with its policy, and writes
// its credentials to its folder in dir. Where they are there, the user is made to
// have those.
func (i *Installer) IssueStore(ctx context.Context, dir string) error {
	if i.store == nil {
		return nil
	}
	for _, id := range deploy.Lasting() {
		folder := Folder(dir, id)
		there, err := exist(folder, accessKeyFile, secretKeyFile)
		if err != nil {
			return err
		}
		secret := rand.Text() // 130 bits
		if there {
			content, err := os.ReadFile(filepath.Join(folder, secretKeyFile))
			if err != nil {
				return err
			}
			secret = strings.TrimSpace(string(content))
		}
		if err := i.store.PutUser(ctx, id.Name(), secret); err != nil {
			return fmt.Errorf("user %s: %w", id.Name(), err)
		}
		if err := i.store.Attach(ctx, id.Name(), id.Name()); err != nil {
			return fmt.Errorf("policy of user %s: %w", id.Name(), err)
		}
		if there {
			continue
		}
		if err := write(folder, map[string]string{accessKeyFile: id.Name(), secretKeyFile: secret}); err != nil {
			return err
		}
	}
	return nil
}

// exist is whether both files are there. One without the other is an error:
// somebody has to say which of them counts.
func exist(folder string, names ...string) (bool, error) {
	found := 0
	for _, name := range names {
		_, err := os.Stat(filepath.Join(folder, name))
		switch {
		case err == nil:
			found++
		case !errors.Is(err, fs.ErrNotExist):
			return false, err
		}
	}
	if found > 0 && found < len(names) {
		return false, fmt.Errorf("%s holds only some of the files %s", folder, strings.Join(names, " and "))
	}
	return found > 0, nil
}

func write(folder string, files map[string]string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := atomicfile.Write(filepath.Join(folder, name), []byte(content+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}
