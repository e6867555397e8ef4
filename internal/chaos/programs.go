package chaos

import (
	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// Programs are those that only these processes have: each built-in program with attempts that can be slowed, and with
// attempts that wait at a gate.
func Programs() []mapreduce.Program {
	var all []mapreduce.Program
	for _, p := range programs.Builtin() {
		all = append(all, processtest.Slowed(SlowPrefix+p.Name, p), processtest.Gated(GatedPrefix+p.Name, p))
	}
	return all
}

// GatedPrefix is what the names of programs begin with whose attempts wait at a gate.
const GatedPrefix = "gated-"
