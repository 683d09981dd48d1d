package session

// message is what a subscriber is told.
type message struct{ pattern, channel, text string }

// told notes that a node has said a message to a connection.
func (w *simWorld) told(l *simLink, m message) {}

// popped notes that a node has given an element of a list to a connection.
func (w *simWorld) popped(l *simLink, v string) {}
