package bus

import (
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

func TestServerThatIsTooOldIsRefused(t *testing.T) {
	for version, refused := range map[string]bool{
		"1.4.1": true, "2.10.29": true, "2.11.0": false, "2.15.2": false, "3.0.0": false, "": false, "later": false,
	} {
		err := recent(version)
		if (err != nil) != refused {
			t.Errorf("version %q: %v", version, err)
		}
		if err != nil && (!mapreduce.IsPermanent(err) || !strings.Contains(err.Error(), version) || !strings.Contains(err.Error(), "run 2.")) {
			t.Errorf("version %q: %v", version, err)
		}
	}
}
