package mapreduce

import "time"

// LongestFinish is how long a finish may take from when it was queued until it decides how its job ends. After that it must not: what tells
// that a job is removed is forgotten a few days later, and an attempt that was frozen for longer would decide for a job that nobody
// knows. One that was queued half as long ago is not begun any more: whoever leads queues it again if it is needed.
const LongestFinish = 24 * time.Hour
