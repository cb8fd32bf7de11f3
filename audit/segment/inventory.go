package segment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"
)

// InventoryFormat stands in each inventory.
const InventoryFormat = "wertfach-audit-inventory/1"

// Inventory says what a log held when it was downloaded: so a chain that is taken
// out of the download as a whole, with its head, is missed.
type Inventory struct {
	Format string `json:"format"`
	// Time is when the download began.
	Time time.Time `json:"time"`
	// From is the first day that was downloaded; zero for the whole log.
	From time.Time `json:"from,omitzero"`
	// Chains has the number of the last segment of each chain.
	Chains map[string]int64 `json:"chains"`
	// Foreign has the names of objects that lay among the segments and are none,
	// the first of them where there were many. They were not downloaded.
	Foreign []string `json:"foreign,omitempty"`
}

// Seal signs the inventory: a file of two lines.
func (i Inventory) Seal(ctx context.Context, signer Signer) ([]byte, error) {
	i.Format = InventoryFormat
	line, err := json.Marshal(i)
	if err != nil {
		return nil, err
	}
	return addSeal(ctx, signer, inventoryDomain, "", int64(len(i.Chains)), append(line, '\n'))
}

// ReadInventory reads an inventory without verifying it.
func ReadInventory(file []byte) (Inventory, error) {
	i, _, err := readInventory(file)
	return i, err
}

// OpenInventory reads and verifies an inventory. What is wrong is an error whose
// text tells it.
func OpenInventory(file []byte, keys Keys) (Inventory, error) {
	i, seal, err := readInventory(file)
	if err != nil {
		return i, err
	}
	return i, seal.verify(keys, inventoryDomain, "", int64(len(i.Chains)))
}

func readInventory(file []byte) (i Inventory, s seal, err error) {
	body, s, err := splitSeal(file)
	if err != nil {
		return i, s, err
	}
	line, rest, _ := bytes.Cut(body, []byte{'\n'})
	if json.Unmarshal(line, &i) != nil || len(rest) > 0 || i.Format != InventoryFormat {
		return i, s, errors.New("it is no inventory of a known format")
	}
	for chain, last := range i.Chains {
		if !ValidChain(chain) || last < 1 {
			return i, s, errors.New("it names what is no chain")
		}
	}
	return i, s, nil
}
