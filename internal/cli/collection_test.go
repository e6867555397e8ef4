package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// The bound on memory that a job has, counts on garbage that is collected as always.
func TestCollectionIsAsAlwaysAfterTheFirst(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := collecting()
	usual := postponeCollection()
	if during := collecting(); during == before {
		t.Errorf("nothing is postponed: %v", during)
	}
	runtime.GC()
	select {
	case <-usual:
	case <-time.After(time.Minute):
		t.Fatal("the first collection changed nothing")
	}
	if after := collecting(); after != before {
		t.Errorf("percent and limit were %v and are %v", before, after)
	}
}

// What a job is allowed decides from then on when garbage is collected, whether the first collection has been or not.
func TestMemoryOfTheProcessFollowsTheJobsBound(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := collecting()
	defer debug.SetMemoryLimit(int64(before[1]))
	const want = 64<<20 + ownMemory + 2*ownSlotMemory
	keepWithin(64<<20, 2)
	if after := collecting(); after != [2]uint64{before[0], want} {
		t.Errorf("percent and limit are %v, want the limit %d", after, want)
	}
	usual := postponeCollection()
	keepWithin(64<<20, 2)
	runtime.GC()
	select {
	case <-usual:
	case <-time.After(time.Minute):
		t.Fatal("the first collection changed nothing")
	}
	for limit := time.After(time.Minute); collecting() != [2]uint64{before[0], want}; {
		select {
		case <-limit:
			t.Fatalf("percent and limit are %v, want the limit %d", collecting(), want)
		default:
			runtime.Gosched()
		}
	}
}

func TestCollectionAsTheUserWantsItIsNotTouched(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Setenv("GOGC", "")
		t.Setenv("GOMEMLIMIT", "")
		t.Setenv(name, "50")
		before := collecting()
		if usual := postponeCollection(); usual != nil || collecting() != before {
			t.Errorf("%s is set, and %v became %v", name, before, collecting())
		}
	}
}

// collecting is what decides when garbage is collected.
func collecting() (now [2]uint64) {
	samples := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(samples)
	for i, sample := range samples {
		now[i] = sample.Value.Uint64()
	}
	return now
}
