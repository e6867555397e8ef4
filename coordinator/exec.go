package coordinator

import (
	"fmt"

	"jetreduce/mapreduce"
)

// ExecPolicy says from whom jobs of commands are taken. Workers decide for themselves whether they run any.
type ExecPolicy string

// Policies about commands.
const (
	ExecAnyone    ExecPolicy = "anyone"    // whoever may submit jobs; also when empty
	ExecPermitted ExecPolicy = "permitted" // whoever may publish where only such jobs come from
	ExecNever     ExecPolicy = "never"
)

// Check refuses what is no policy.
func (p ExecPolicy) Check() error {
	switch p {
	case "", ExecAnyone, ExecPermitted, ExecNever:
		return nil
	}
	return fmt.Errorf("%q: use %s, %s or %s", string(p), ExecAnyone, ExecPermitted, ExecNever)
}

// barred says why a job of commands is not taken from where it came; "": it is.
func (s *State) barred(spec mapreduce.Job, permitted bool) string {
	switch {
	case !spec.Commands.Given():
		return ""
	case s.config.Exec == ExecNever:
		return "it runs commands, and this coordinator takes such jobs from nobody (--exec never): use a built-in program"
	case s.config.Exec == ExecPermitted && !permitted:
		return "it runs commands, and this coordinator takes such jobs only from those who have the permission (--exec permitted): " +
			"ask for what `jetreduce permissions client --exec` prints"
	}
	return ""
}
