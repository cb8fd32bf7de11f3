package devserver

import "time"

// Renewing makes a server look at the people's tokens that often.
func (o Options) Renewing(every time.Duration) Options {
	o.renewEvery = every
	return o
}
