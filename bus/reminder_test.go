package bus

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestReminderIsDueAtOnceThenEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r reminder
		for second := range 25 {
			if got, want := r.due(), second%10 == 0; got != want {
				t.Errorf("after %d s it is due: %t, want %t", second, got, want)
			}
			<-time.After(time.Second)
		}
	})
}
