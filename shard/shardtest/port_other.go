//go:build !linux

package shardtest

// holdPort cannot hold a port here, it only finds one; Start tries another
// when it is taken.
func holdPort() (heldPort, error) {
	port, err := FreePort()
	return heldPort{port: port, release: func() {}}, err
}
