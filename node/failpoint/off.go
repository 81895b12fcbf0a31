//go:build !failpoints

package failpoint

import (
	"context"
	"net"
	"time"
)

// Enabled says whether this build takes orders.
const Enabled = false

// Hit does nothing.
func Hit(string) {}

// Hook is nil: packages that take a hook call none.
func Hook() func(string) { return nil }

// Clock is the clock it is given.
func Clock(base func() time.Time) func() time.Time { return base }

// Dial is nil: connections go where they are meant to.
func Dial() func(ctx context.Context, network, address string) (net.Conn, error) { return nil }

// SnapshotInterval is 0: the log's own.
func SnapshotInterval() time.Duration { return 0 }

// SnapshotBytes is 0: the log's own.
func SnapshotBytes() int64 { return 0 }

// CosignEvery is 0: the witness's own.
func CosignEvery() time.Duration { return 0 }
