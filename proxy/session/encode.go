package session

import "github.com/shardring/shardring/shard/resp"

// What replies look like depends on the session's protocol. These are the forms
// that differ between RESP2 and RESP3.

func (s *Session) appendNull(dst []byte) []byte {
	if s.lane.proto == 3 {
		return append(dst, "_\r\n"...)
	}
	return resp.AppendNull(dst)
}

// appendNullArray is the reply that there is nothing where else is an array.
func (s *Session) appendNullArray(dst []byte) []byte {
	if s.lane.proto == 3 {
		return s.appendNull(dst)
	}
	return resp.AppendNullArray(dst)
}

// appendText appends a text for people.
func (s *Session) appendText(dst []byte, text string) []byte {
	if s.lane.proto == 3 {
		return append(append(resp.AppendVerbatim(dst, len(text)), text...), "\r\n"...)
	}
	return resp.AppendBulk(dst, text)
}

// appendMap begins a map of n pairs.
func (s *Session) appendMap(dst []byte, n int) []byte {
	if s.lane.proto == 3 {
		return resp.AppendMap(dst, n)
	}
	return resp.AppendArray(dst, 2*n)
}

// appendSet begins a set of n elements.
func (s *Session) appendSet(dst []byte, n int) []byte {
	if s.lane.proto == 3 {
		return resp.AppendSet(dst, n)
	}
	return resp.AppendArray(dst, n)
}

// appendPush begins a push of n elements.
func (s *Session) appendPush(dst []byte, n int) []byte {
	if s.lane.proto == 3 {
		return resp.AppendPush(dst, n)
	}
	return resp.AppendArray(dst, n)
}
