package bench

import "context"

// guard measures what the guard in front of the log costs: the same nodes with
// it and without.
func (r *run) guard(ctx context.Context) error {
	if err := r.small(ctx); err != nil {
		return err
	}
	r.say("guard,%d 个客户端", "guard, %d clients", readClients)
	bare, err := r.found(ctx, "g", append(append([]string{}, r.Program...), "bench", "node", "--unguarded"))
	if err != nil {
		return err
	}
	defer stopAll(bare.nodes)
	turn := func(f *federation, rate *float64) func() (sample, error) {
		return func() (sample, error) {
			at, err := f.leader(ctx)
			if err != nil {
				return sample{}, err
			}
			return r.ours(ctx, f, at, min(readClients, r.Clients[len(r.Clients)-1]), 1, rate)
		}
	}
	with, without := firstGuess(readClients), firstGuess(readClients)
	a, b, err := duel(ctx, r.Rounds, turn(r.fed, &with), turn(bare, &without))
	if err != nil {
		return err
	}
	r.add(hold("guard/rate", "entries/s", figures(a, sample.perSecond), "accord without the guard", figures(b, sample.perSecond), goal{times: 0.9}))
	r.add(hold("guard/cpu", "s per 10,000", figures(a, sample.cost), "accord without the guard", figures(b, sample.cost), goal{}))
	return nil
}
