package main

import (
	"os"
	"syscall"
	"testing"
)

func TestPeakIsReset(t *testing.T) {
	pid := os.Getpid()
	if err := syscall.Munmap(mapped(t, 64<<20)); err != nil {
		t.Fatal(err)
	}
	before, err := peakMemory(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := resetPeak(pid); err != nil {
		t.Fatal(err)
	}
	after, err := peakMemory(pid)
	if err != nil || after > before-32<<20 {
		t.Errorf("peak was %d, is %d after the reset, %v", before, after, err)
	}
}

// mapped is n bytes of touched memory of their own.
func mapped(t *testing.T, n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < n; i += 4096 {
		b[i] = 1
	}
	return b
}
