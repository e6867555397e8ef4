package chaos

import (
	"context"

	"jetreduce/internal/processtest"
	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// Programs are those that only these processes have: each built-in program with attempts that can be slowed, and with
// attempts that wait at a gate.
func Programs() []mapreduce.Program {
	var all []mapreduce.Program
	for _, p := range programs.Builtin() {
		all = append(all, processtest.Slowed(SlowPrefix+p.Name, p), processtest.Gated(GatedPrefix+p.Name, p), muted(mutePrefix+p.Name, p))
	}
	return all
}

// mutePrefix is what the names of programs begin with that do all the work of a map and keep what they find to themselves, so
// that nothing is carried.
const mutePrefix = "mute-"

func muted(name string, p mapreduce.Program) mapreduce.Program {
	loud := p.Mapper
	p.Name = name
	p.Mapper = func(args map[string]string) (mapreduce.Mapper, error) {
		mapper, err := loud(args)
		return mute{mapper}, err
	}
	return p
}

type mute struct{ mapreduce.Mapper }

func (m mute) Map(ctx context.Context, batch mapreduce.Batch, _ mapreduce.Output) error {
	return m.Mapper.Map(ctx, batch, nowhere{})
}

type nowhere struct{}

func (nowhere) Emit(_, _ []byte) {}

// GatedPrefix is what the names of programs begin with whose attempts wait at a gate.
const GatedPrefix = "gated-"
