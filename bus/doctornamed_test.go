package bus_test

import (
	"fmt"
	"strings"
	"testing"

	"jetreduce/bus"
)

// saidOf are the findings of a name in one text.
func (f findings) saidOf(name string) string { return fmt.Sprint([]bus.Finding(f.called(name))) }

func TestDoctorSaysWhichOfTheNamedServersDoNotAnswer(t *testing.T) {
	t.Parallel()
	live, dead := withJetStream(t, ""), freeAddr(t)
	for _, named := range []string{"nats://user:secret@" + dead + "," + live.ClientURL(), live.ClientURL() + ", nats://user:secret@" + dead} {
		said := examine(t, doctor(named)).saidOf("server")
		if !strings.Contains(said, "{ok server theirs at") || !strings.Contains(said, "{warning server no nats-server at "+dead) {
			t.Errorf("%s: %s", named, said)
		}
		if strings.Contains(said, "secret") || strings.Contains(said, "unsafe") {
			t.Errorf("the password is shown, or what is no danger called one: %s", said)
		}
	}
	f := examine(t, doctor(live.ClientURL()+","+live.ClientURL()))
	f.mustSay(t, bus.LevelOK, "server", "theirs")
}

func TestDoctorSaysThatServersAreNotOneCluster(t *testing.T) {
	t.Parallel()
	one, other := withJetStream(t, ""), withJetStream(t, "")
	said := examine(t, doctor(one.ClientURL()+","+other.ClientURL())).saidOf("server")
	for _, word := range []string{"{unsafe server", "they are not one cluster: a job is known to one of them only", one.Addr().String(), other.Addr().String()} {
		if !strings.Contains(said, word) {
			t.Errorf("nothing of %q in %s", word, said)
		}
	}
}

// What a server may store in all is no limit of the account: its monitoring endpoint says it.
func TestDoctorSaysThatAServerMayStoreLittle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		most string
		want bus.Level
		says string
	}{
		{"0", bus.LevelUnsafe, "may store nothing on disk"}, {"1M", bus.LevelWarning, "0 B of 976.6 KiB"}, {"8G", bus.LevelOK, "1.0 GiB more at least"},
	} {
		s := withJetStream(t, monitored+fmt.Sprintf("jetstream { store_dir: %q, max_file_store: %s }", t.TempDir(), c.most))
		f := examine(t, doctor(s.ClientURL(), s.MonitorAddr().String()))
		f.mustSay(t, c.want, "limits", c.says)
	}
}
