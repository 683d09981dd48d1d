//go:build !race

package proxy_test

// raced: the race detector takes memory and time of its own.
const raced = false
