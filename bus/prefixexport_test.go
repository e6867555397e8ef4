package bus

// Mine reports whether a stream is jetreduce's under a prefix.
func Mine(prefix, stream string) bool { return names{prefix}.mine(stream) }
