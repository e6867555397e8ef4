package mapreduce_test

import (
	"strings"
	"testing"

	"jetreduce/mapreduce"
)

// Anybody may send heartbeats: one that names what cannot be a part of names on the bus once stopped whoever led.
func TestHeartbeatThatNoWorkerSendsIsRefused(t *testing.T) {
	t.Parallel()
	good := mapreduce.Beat{Worker: "w1", Pool: "gpu", Slots: map[mapreduce.Class]int{"io": 1, "builtin-1": 4, "go-ab12": 4}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	many := map[mapreduce.Class]int{}
	for _, letter := range "abcdefghijklmnopq" {
		many[mapreduce.Class("go-"+string(letter))] = 1
	}
	for name, change := range map[string]func(b *mapreduce.Beat){
		"no name":       func(b *mapreduce.Beat) { b.Worker = "" },
		"odd name":      func(b *mapreduce.Beat) { b.Worker = "w.1" },
		"long name":     func(b *mapreduce.Beat) { b.Worker = mapreduce.WorkerID(strings.Repeat("w", 65)) },
		"odd pool":      func(b *mapreduce.Beat) { b.Pool = "a.b" },
		"odd class":     func(b *mapreduce.Beat) { b.Slots = map[mapreduce.Class]int{"go-a.>": 1} },
		"fewer than no": func(b *mapreduce.Beat) { b.Slots = map[mapreduce.Class]int{"io": -1} },
		"many slots":    func(b *mapreduce.Beat) { b.Slots = map[mapreduce.Class]int{"io": 1 << 20} },
		"many classes":  func(b *mapreduce.Beat) { b.Slots = many },
		"many attempts": func(b *mapreduce.Beat) { b.Running = make([]mapreduce.Running, 1<<14) },
	} {
		b := good
		if change(&b); b.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
