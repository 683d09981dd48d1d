// Package resp cuts and writes RESP, the protocol of Redis
// (https://redis.io/docs/latest/develop/reference/protocol-spec/), for a
// program that passes it on: requests are cut into arguments that point into
// the bytes received, replies are cut by their lengths and never decoded.
//
//   - [Parser] finds one request at the start of a buffer and continues where
//     it stopped when the buffer has grown; it reads each byte of the framing
//     once and no byte of an argument.
//   - [Cutter] finds the end of a reply in a stream that arrives in pieces cut
//     anywhere.
//   - The Append functions write both.
//
// The proxy stands on all of it, the library on Cutter. It is not a client
// library, knows no command, and holds no socket. Values of its types belong to
// one goroutine.
package resp
