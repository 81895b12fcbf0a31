package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"accord/crypto/keys"
	"accord/node/config"
	"accord/node/founding"
)

const day = 24 * time.Hour

// TestKeysByDate takes a federation to the day on which its keys are due, and past it.
// It is warned before, by the node's log, its readiness page, its status and doctor;
// it goes on past the day; and the RUNBOOK's steps replace all keys of a member while
// clients write through every node, none of whose writes fails. Whoever still holds
// the old TLS key, and a member that was taken off, are strangers within a minute.
//
// Shows: F37, B14
func TestKeysByDate(t *testing.T) {
	t.Parallel() // most of it is waiting

	const renewAfter = 730 * day // keys.renew_after
	r := newRehearsal(t, renewAfter-31*day)
	r.ready(members4...)
	old := tlsOf(t, r, "commission")
	if !r.admitted("regulator", old) {
		t.Fatal("a member's key is taken for a stranger's")
	}
	r.at(renewAfter-30*day-2*time.Hour, 0, "")
	r.at(renewAfter-30*day+time.Hour, 1, "29 days left")
	r.at(renewAfter-7*day+time.Hour, 2, "6 days left")
	r.at(renewAfter-day+time.Hour, 3, "0 days left")
	r.at(renewAfter+time.Hour, 4, "-1 days left")

	clients := r.write("regulator", "commission", "association")
	clients.await(t, 20)
	r.follow(nil, runbook(t)["expired-key"])
	clients.await(t, 20)
	if st := r.status("commission"); len(st.KeysDue) > 0 || !st.Ready {
		t.Errorf("after the rotation: %+v", st)
	}
	if marks := r.marks("commission"); !strings.Contains(marks, "[+] keys\n") {
		t.Errorf("/readyz?verbose says %s", marks)
	}
	if k := r.status("regulator").KeysDue; len(k) != 6 {
		t.Errorf("the regulator's keys are not replaced, and it is told of %v", k)
	}
	r.cutOff("regulator", old)
	clients.await(t, 20)

	expelled := tlsOf(t, r, "association")
	if !r.admitted("regulator", expelled) {
		t.Fatal("a member's key is taken for a stranger's")
	}
	clients.leave("association")
	r.run("regulator", "accord member propose --remove association --out /srv/accord/out.json", "accord member endorse /srv/accord/out.json --out /srv/accord/out.regulator")
	r.run("commission", "accord member endorse /srv/accord/out.json --out /srv/accord/out.commission") // with its new key
	r.run("court", "accord member endorse /srv/accord/out.json --out /srv/accord/out.court",
		"accord member enact /srv/accord/out.json /srv/accord/out.regulator /srv/accord/out.commission /srv/accord/out.court")
	r.cutOff("regulator", expelled)
	clients.stop()
}

// at moves all clocks, and looks at what the commission says: in its log so many lines
// for each key until now, on its pages this.
func (r *rehearsal) at(clock time.Duration, lines int, said string) {
	r.t.Helper()
	r.clock = clock
	for _, m := range members4 {
		r.orders(m)
		must(r.t, os.WriteFile(r.node(m)+".faults.right", []byte(r.ordered()), 0o600))
	}
	r.ready(members4...)
	r.until(fmt.Sprintf("%d warnings in the log, %v after the founding", lines, clock), func() bool {
		raw, err := os.ReadFile(r.node("commission") + ".log")
		return err == nil && strings.Count(string(raw), "--rotate-key tls") == lines
	})
	marks, doctor := r.marks("commission"), ""
	doctor, _ = r.try("commission", "accord doctor") // how it ends depends on the machine, too
	if said == "" {
		if !strings.Contains(marks, "[+] keys\n") || strings.Contains(doctor, "DOCTOR-025") {
			r.t.Errorf("nothing is due:\n%s\n%s", marks, doctor)
		}
		return
	}
	if !strings.Contains(marks, "[!] keys: tls is to be replaced, "+said+"\n") || !strings.Contains(doctor, "DOCTOR-025") || !strings.Contains(marks, "\nready\n") {
		r.t.Errorf("%v after the founding:\n%s\n%s", clock, marks, doctor)
	}
}

// writers are clients whose writes must all succeed.
type writers struct {
	r     *rehearsal
	done  atomic.Int64
	stops map[string]context.CancelFunc
	wg    sync.WaitGroup
}

func (r *rehearsal) write(members ...string) *writers {
	w := &writers{r: r, stops: map[string]context.CancelFunc{}}
	for _, m := range members {
		ctx, cancel := context.WithCancel(r.t.Context())
		w.stops[m] = cancel
		w.wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := r.nominate(m); err != nil {
					r.t.Errorf("write %d at %s: %v", n, m, err)
				}
				w.done.Add(1)
			}
		})
	}
	r.t.Cleanup(w.stop)
	return w
}

// await waits for so many writes more.
func (w *writers) await(t *testing.T, more int64) {
	t.Helper()
	until := w.done.Load() + more
	w.r.until("the clients go on writing", func() bool { return w.done.Load() >= until })
}

func (w *writers) leave(member string) { w.stops[member]() }

func (w *writers) stop() {
	for _, stop := range w.stops {
		stop()
	}
	w.wg.Wait()
}

// tlsOf opens a client under a member's TLS key as it is now, with one connection that
// stays open.
func tlsOf(t *testing.T, r *rehearsal, member string) *http.Client {
	t.Helper()
	cfg, _, err := config.Load(r.node(member), func(string) (string, bool) { return "", false }, nil)
	must(t, err)
	store, err := founding.OpenKeys(cfg)
	must(t, err)
	defer store.Close()
	key, err := store.Key(keys.TLS)
	must(t, err)
	private := key.Ed25519()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(9, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public().(ed25519.PublicKey), private)
	must(t, err)
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
	tr := &http.Transport{MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate}}} // whom it speaks to is not what is tested
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

// admitted says whether a node takes a client for a member.
func (r *rehearsal) admitted(at string, c *http.Client) bool {
	for _, n := range r.plan.Nodes {
		if n.Member != at {
			continue
		}
		resp, err := c.Get("https://" + n.Listen + "/api/v1/ledger/statements?read=local")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}
	return false
}

// cutOff waits until a node takes a client for a stranger, which is to be within a
// minute (F37).
func (r *rehearsal) cutOff(at string, c *http.Client) {
	r.t.Helper()
	began := time.Now()
	r.until("a revoked key is cut off", func() bool { return !r.admitted(at, c) })
	if took := time.Since(began); took >= time.Minute {
		r.t.Errorf("a revoked key was cut off after %v", took)
	} else {
		r.t.Logf("cut off after %v", took)
	}
}
