package bus

import (
	"errors"
	"fmt"
	"strings"

	"jetreduce/mapreduce"
)

// recordEvent reads a record of the commits bucket. The shape of its key says which kind it is, and what it holds must
// be about that key.
func recordEvent(name string, data []byte) (mapreduce.Event, error) {
	part := strings.Split(name, ".")
	switch {
	case len(part) == 2 && part[1] == "end":
		var end mapreduce.End
		err := decode(name, data, &end)
		return end, errors.Join(err, matches(name, endKey(end.UID), end.Version))
	case len(part) == 6 && part[4] == "a":
		var failure mapreduce.Failure
		err := decode(name, data, &failure)
		return failure, errors.Join(err, matches(name, failureKey(failure), failure.Version))
	default:
		var commit mapreduce.Commit
		err := decode(name, data, &commit)
		return commit, errors.Join(err, matches(name, commit.Task.String(), commit.Version))
	}
}

// matches refuses a record of another version, or one that stands under a key that is not its own.
func matches(name, own string, version int) error {
	if err := understood(name, version); err != nil {
		return err
	}
	if name != own {
		return fmt.Errorf("key %s holds the record of %s", name, own)
	}
	return nil
}

// understood refuses what another version of this binary wrote.
func understood(name string, version int) error {
	if version != mapreduce.RecordVersion {
		return mapreduce.Permanentf("%s is of version %d, this binary reads version %d: run coordinators of one version",
			name, version, mapreduce.RecordVersion)
	}
	return nil
}
