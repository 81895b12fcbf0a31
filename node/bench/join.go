package bench

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"accord/node/demo"
)

// join measures how long a newcomer takes from its start, when its membership
// is agreed, until it has the full ledger; beside it a learner of the rival.
func (r *run) join(ctx context.Context) error {
	if err := r.fillUp(ctx, false); err != nil {
		return err
	}
	if err := r.fullRival(ctx); err != nil {
		return err
	}
	var ours, rivals []float64
	for i := range r.Rounds {
		r.say("新成员 %d/%d", "newcomer %d of %d", i+1, r.Rounds)
		took, err := r.joinOurs(ctx, fmt.Sprintf("newcomer%d", i+1))
		if err != nil {
			return err
		}
		ours = append(ours, took.Seconds())
		if r.fullOf == nil {
			continue
		}
		if took, err = r.fullOf.join(ctx); err != nil {
			return err
		}
		rivals = append(rivals, took.Seconds())
	}
	r.add(hold("join/caught-up", "s", ours, r.against("learner added to caught up"), rivals, goal{times: 1, below: true}))
	return nil
}

// joinOurs brings a member of its own into the federation the ordinary way, by
// the command line, and measures its node from start to caught up. It is ended
// before it would get its vote.
func (r *run) joinOurs(ctx context.Context, name string) (time.Duration, error) {
	addresses, err := demo.FreeAddresses(1)
	if err != nil {
		return 0, err
	}
	paper := func(kind string) string { return filepath.Join(r.full.dir, name+"."+kind) }
	seats := r.full.plan.Nodes
	steps := [][]string{
		{seats[0].Member, "member", "invite", "--name-zh", "例", "--name-en", "Example", "--out", paper("invitation")},
		{name, "init", "--invite", paper("invitation"), "--member", name, "--kind", "association", "--name-zh", "例", "--name-en", "Example", "--listen", addresses[0]},
		{seats[0].Member, "member", "propose", "--out", paper("roster"), "--add", filepath.Join(r.full.dir, name, "introduction.jws")},
	}
	enact := []string{seats[0].Member, "member", "enact", paper("roster")}
	for _, seat := range seats {
		endorsed := paper("roster." + seat.Member)
		steps = append(steps, []string{seat.Member, "member", "endorse", paper("roster"), "--out", endorsed})
		enact = append(enact, endorsed)
	}
	steps = append(steps, enact,
		[]string{seats[0].Member, "member", "welcome", name, "--out", paper("welcome")},
		[]string{name, "member", "join", paper("welcome"), "--yes"})
	for _, s := range steps {
		err := r.command(ctx, s[0], s[1:]...)
		// A welcome is given once the roster has come into force on the node's disk.
		for tries := 0; err != nil && s[2] == "welcome" && tries < 40; tries++ {
			time.Sleep(250 * time.Millisecond)
			err = r.command(ctx, s[0], s[1:]...)
		}
		if err != nil {
			return 0, err
		}
	}
	at, err := r.full.leader(ctx)
	if err != nil {
		return 0, err
	}
	want, err := r.full.status(ctx, at)
	if err != nil {
		return 0, err
	}
	newcomer := r.full.process(name, append(append([]string{}, r.Program...), "node", "run"))
	client := r.full.clientOf(name)
	begun := time.Now()
	if err := newcomer.start(); err != nil {
		return 0, err
	}
	defer newcomer.kill()
	err = until(ctx, newcomer, 5*time.Millisecond, func() bool {
		ctx, cancel := context.WithTimeout(ctx, callLimit)
		defer cancel()
		s, err := client.Status(ctx)
		return err == nil && s.Ready && s.Ledger.Size >= want.Ledger.Size
	})
	return time.Since(begun), err
}

// command runs the program on a member's folder of the full federation.
func (r *run) command(ctx context.Context, member string, args ...string) error {
	argv := append(append([]string{}, r.Program[1:]...), args...)
	argv = append(argv, "--dir", filepath.Join(r.full.dir, member), "--operator", string(demo.Operator), "--lang", "en")
	cmd := exec.CommandContext(ctx, r.Program[0], argv...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bench: accord %s: %w: %.300s", strings.Join(args[:2], " "), err, out)
	}
	return nil
}

// join adds a learner to the cluster and measures it from its start until it
// has as many keys as the leader. It is taken off again.
func (e *etcd) join(ctx context.Context) (time.Duration, error) {
	leader, err := e.leader(ctx)
	if err != nil {
		return 0, err
	}
	want, err := e.count(ctx, leader)
	if err != nil {
		return 0, err
	}
	addresses, err := demo.FreeAddresses(2)
	if err != nil {
		return 0, err
	}
	more := &etcd{program: e.program, dir: e.dir, client: append(append([]string{}, e.client...), addresses[0]), peer: append(append([]string{}, e.peer...), addresses[1])}
	g := newGRPC(e.client[leader])
	defer g.close()
	answer, err := g.call(ctx, methodAdd, fieldInt(fieldBytes(nil, 1, []byte("http://"+addresses[1])), 2, 1))
	if err != nil {
		return 0, err
	}
	_, added := protoField(answer, 2)
	id, _ := protoField(added, 1)
	last := len(e.peer)
	learner := more.process(last, "existing")
	begun := time.Now()
	if err := learner.start(); err != nil {
		return 0, err
	}
	err = until(ctx, learner, 5*time.Millisecond, func() bool { return more.holds(ctx, last, want) })
	took := time.Since(begun)
	learner.kill()
	more.remove(last)
	if err == nil {
		_, err = g.call(ctx, methodRemove, fieldInt(nil, 1, id))
	}
	return took, err
}

// holds says whether a member has so many keys. A learner answers no reads
// through its API but tells its log's position.
func (e *etcd) holds(ctx context.Context, i, keys int) bool {
	n, err := e.count(ctx, i)
	return err == nil && n >= keys
}
