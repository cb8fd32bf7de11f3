package result

import "time"

// Usage is the processor time that the processes of a benchmark used for some
// calls. It tells where the time goes when everything shares the same cores.
type Usage struct {
	Calls                        int
	Bench, Product, Vault, Minio time.Duration
}

// Plus adds processor times.
func (u Usage) Plus(o Usage) Usage {
	u.Bench += o.Bench
	u.Product += o.Product
	u.Vault += o.Vault
	u.Minio += o.Minio
	return u
}

// Minus takes away processor times.
func (u Usage) Minus(o Usage) Usage {
	return u.Plus(Usage{Bench: -o.Bench, Product: -o.Product, Vault: -o.Vault, Minio: -o.Minio})
}

// PlusCalls counts further calls.
func (u Usage) PlusCalls(n int) Usage {
	u.Calls += n
	return u
}

// Each gives what each process used for one call.
func (u Usage) Each() Usage {
	if u.Calls == 0 {
		return Usage{}
	}
	n := time.Duration(u.Calls)
	return Usage{Calls: 1, Bench: u.Bench / n, Product: u.Product / n, Vault: u.Vault / n, Minio: u.Minio / n}
}

// Sum is the time of all processes together.
func (u Usage) Sum() time.Duration { return u.Bench + u.Product + u.Vault + u.Minio }
