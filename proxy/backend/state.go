package backend

// State is where a Conn is in its life. It changes in Conn.to only.
//
//	Idle --> Dialing --> Greeting --> Ready --+--> Idle    (ended with nothing under way)
//	 ^          |            |          |     |
//	 |          +------------+----------+-----+--> Waiting (failed: back-off)
//	 +-- the first call after the back-off ------------+
//	any --> Closing --> (the driver has closed) --> Idle, Waiting or Retired
type State uint8

const (
	Idle     State = iota // no connection, and nobody needs one
	Dialing               // the driver connects; calls wait in held
	Greeting              // AUTH and SELECT are under way; calls wait in held
	Ready                 // calls are sent as they come
	Waiting               // failed lately; calls are refused until retryAt
	Closing               // given up by us, the driver has yet to close it
	Retired               // no longer part of any topology; final
)

func (s State) String() string {
	return [...]string{"idle", "dialing", "greeting", "ready", "waiting", "closing", "retired"}[s]
}
