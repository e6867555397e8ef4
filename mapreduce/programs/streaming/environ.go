package streaming

import (
	"os"
	"strings"

	"jetreduce/mapreduce"
)

// environ is what a command finds in its environment: the worker's own without its settings, for credentials are among them, and who it is.
func environ(task *mapreduce.TaskContext, more []string) []string {
	var env []string
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "NATS_") && !strings.HasPrefix(setting, "JETREDUCE_") {
			env = append(env, setting)
		}
	}
	env = append(env, "JETREDUCE_JOB="+string(task.Job), "JETREDUCE_TASK="+task.Task.String(), "JETREDUCE_ATTEMPT="+task.Attempt.String())
	if task.Dir != "" {
		env = append(env, "PWD="+task.Dir)
	}
	return append(env, more...)
}
