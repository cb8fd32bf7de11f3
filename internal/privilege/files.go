package privilege

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/wertfach/wertfach/deploy"
	"github.com/wertfach/wertfach/internal/atomicfile"
	"github.com/wertfach/wertfach/internal/config"
)

// Write writes the policies of all identities, made to fit the configuration, to
// vault/ and s3/ in that folder: for who installs them otherwise.
func Write(c *config.Config, dir string) error {
	for _, id := range append(deploy.Lasting(), deploy.Init) {
		files := map[string]string{}
		if c.Vault != nil {
			files["vault/"+string(id)+".hcl"] = VaultPolicy(c, id)
		}
		if c.S3 != nil {
			files["s3/"+string(id)+".json"] = StorePolicy(c, id)
		}
		for name, content := range files {
			path := filepath.Join(dir, filepath.FromSlash(name))
			err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), atomicfile.Write(path, []byte(content), 0o644))
			if err != nil {
				return err
			}
		}
	}
	return nil
}
