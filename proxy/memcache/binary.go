package memcache

// binaryMagic is the first byte of every request of the binary protocol.
const binaryMagic = 0x80

// binary refuses a client that speaks the binary protocol in its own terms: the status
// of an unknown command, and the end.
func (p *Parser) binary(b []byte) (int, Status) {
	const head = 24
	if len(b) < head {
		p.need = head
		return 0, Incomplete
	}
	const text = "the binary protocol is not spoken here"
	reply := make([]byte, head, head+len(text))
	reply[0], reply[1] = 0x81, b[1]
	reply[7] = 0x81 // unknown command
	reply[11] = byte(len(text))
	copy(reply[12:16], b[12:16]) // opaque
	p.Req = Request{Verb: Close, Reply: string(append(reply, text...))}
	return len(b), Complete
}
