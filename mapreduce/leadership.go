package mapreduce

// Leadership is who leads, as the bus keeps it.
type Leadership struct {
	Epoch    Epoch  // 0: nobody has led yet
	Revision uint64 // of the lease; a takeover moves it, and so does each renewal
	Holder   string // the process that took this epoch; words for users, nothing is decided by it
	Released bool   // the holder has given the lease back
}

// ValidProcess reports whether a process may have this name, which stands in a key: [A-Za-z0-9_-]{1,64}.
func ValidProcess(name string) bool { return len(name) <= 64 && token(name) }
