// Package demo starts shards to play with and says what to type at them.
//
// Servers starts real redis-servers, Embedded runs miniredis in this process
// where there are none. Guide is the text; each of its commands works when it
// is pasted into a shell.
package demo
