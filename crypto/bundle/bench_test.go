package bundle

import "testing"

func BenchmarkVerify(b *testing.B) {
	f := newFixture(b)
	const commands = 1000
	for range commands {
		f.command("court", "list.nominate", map[string]any{"list": "black"}, nil)
	}
	out := f.seal()
	f.add(out)
	data := marshal(b, out)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if !Verify(data, Options{}).OK {
			b.Fatal("does not verify")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/commands, "µs/command")
}
