package programs_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"jetreduce/mapreduce"
	"jetreduce/mapreduce/programs"
)

// prose is about a megabyte of lines in which short words are frequent, every tenth has a capital and every seventh is
// followed by punctuation.
func prose(vocabulary string) []byte {
	known := strings.Fields(vocabulary)
	random := rand.New(rand.NewPCG(1, 2))
	frequent := rand.NewZipf(random, 1.1, 2, uint64(len(known)-1))
	var text []byte
	for i := 1; len(text) < 1<<20; i++ {
		word := known[frequent.Uint64()]
		if random.IntN(10) == 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		text = append(text, word...)
		if random.IntN(7) == 0 {
			text = append(text, ",.;"[random.IntN(3)])
		}
		text = append(text, " \n"[min(1, i%12/11)])
	}
	return text
}

const (
	english = `the of and to in a is that for it was on are as with his they be at one have this from or had by hot but
		some what there we can out other were all your when up use word how said an each she which do their time if will
		way about many then them would write like so these her long make thing see him two has look more day could go
		come did my sound no most number who over know water than call first people may down side been now find any new
		work part take get place made live where after back little only round man year came show every good me give our
		under name very through just form much great think say help low line before turn cause same mean differ move`
	portuguese = `de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu
		sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter
		seus quem nas me esse eles estão você tinha foram essa num nem suas meu às minha têm numa pelos elas havia seja
		qual será nós tenho lhe deles essas esses pelas este fosse dele coração navegação português canções irmãos pão
		céu três época última família razão mãe avó avô água história língua público início título fácil difícil`
)

func BenchmarkWords(b *testing.B) {
	texts := map[string]func() []byte{
		"english":    func() []byte { return prose(english) },
		"portuguese": func() []byte { return prose(portuguese) },
		"hamlet":     func() []byte { return reference(b, "hamlet.txt") },
		"lusiadas":   func() []byte { return reference(b, "lusiadas.txt") },
	}
	for name, text := range texts {
		b.Run(name, func(b *testing.B) { benchmarkWords(b, text()) })
	}
}

// benchmarkWords runs the mapper itself, with an output that does nothing. Several copies, so that the processor cannot
// learn the text by heart.
func benchmarkWords(b *testing.B, text []byte) {
	mapper := mapperOf(b, "wordcount")
	batch := mapreduce.Batch{Data: bytes.Repeat(text, 1+(8<<20)/len(text))}
	b.SetBytes(int64(len(batch.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := mapper.Map(b.Context(), batch, nowhere{}); err != nil {
			b.Fatal(err)
		}
	}
}

type nowhere struct{}

func (nowhere) Emit(_, _ []byte) {}

func mapperOf(tb testing.TB, name string) mapreduce.Mapper {
	tb.Helper()
	set, err := programs.NewSet(programs.Builtin()...)
	if err != nil {
		tb.Fatal(err)
	}
	program, err := set.Find(name)
	if err != nil {
		tb.Fatal(err)
	}
	mapper, err := program.Mapper(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return mapper
}
