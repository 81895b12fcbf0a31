// Package faulttest runs federations of real processes for tests, and breaks
// them: it founds 3 to 5 nodes the ordinary way, runs the accord binary built
// with fail points, puts a proxy into every direction of every link, and starts,
// kills, pauses and misleads nodes one by one.
//
//	func TestMain(m *testing.M) { faulttest.Main(m) } // removes the binary
//
//	f := faulttest.Run(t, faulttest.Options{Nodes: 3}) // founded, started, ready
//	leader := f.Leader()
//	f.Wire.CutBetween([]string{leader}, f.Others(leader)) // a partition
//	f.Pause(leader); f.Continue(leader)                   // SIGSTOP, SIGCONT
//	f.Kill(leader); f.Start(leader); f.Ready(leader)      // SIGKILL and back
//	f.Order(leader, "store.append.after=crash@3")         // a fail point; see package failpoint
//	f.Order(leader, "clock=-1h")                          // a wrong clock
//	code, err := f.Ended(leader, 10*time.Second)          // it ended by itself
//	f.Client(leader).Nominate(…)                          // the product's own API
//	f.Heal()                                              // everything whole again, all ready
//
// A [Load] puts clients on a federation and writes down what they did and were
// told. [Load.Judge] holds that history against what a correct federation could
// have said (porcupine), against the ledger of every node (each acknowledged write
// once, equal digests, every read exactly what was there at the index it names),
// and reports how strong the run was.
//
//	load := f.Load(faulttest.LoadOptions{})
//	load.Await(50) // acknowledged writes
//	load.Mark()    // the fault comes now
//	f.Kill(f.Leader())
//	load.Await(50)
//	f.Heal()
//	load.Judge()
package faulttest
