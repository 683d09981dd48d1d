//go:build !unix

package engine

func maxFiles() int64 { return 0 }
