package engine

import "sync"

// mailbox takes functions that are to be called on a loop.
type mailbox struct {
	mu     sync.Mutex // protects the following fields
	list   []func()
	closed bool
}

// put adds f; it reports whether the loop still takes mail.
func (m *mailbox) put(f func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.list = append(m.list, f)
	return true
}

// take empties the mailbox. What it returned the last time, used, may be used again.
func (m *mailbox) take(used []func()) []func() {
	clear(used)
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = used[:0]
	return list
}

// close takes what is left and refuses anything more.
func (m *mailbox) close() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list, m.closed = nil, true
	return list
}
