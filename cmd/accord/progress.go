package main

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"accord/exchange"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// lineEvery is how often progress is said where it cannot be drawn.
const lineEvery = 5 * time.Second

// maxLeft is the longest time left that is worth saying.
const maxLeft = 1000 * time.Hour

// meter shows how far a long command is: a bar on a terminal, a line every
// five seconds in a log, nothing in JSON or with --quiet. Its methods may be
// called from several goroutines.
type meter struct {
	now   func() time.Time
	start time.Time
	total int64 // 0 when not known

	mu    sync.Mutex
	count int64
	said  time.Time // when the last line was written
	lines io.Writer // nil unless lines are written
	title string
	lang  exchange.Lang

	container *mpb.Progress // nil unless a bar is drawn
	bar       *mpb.Bar
}

// meter starts one for total things of a kind, 0 when nobody knows how many.
func (e *env) meter(title exchange.Text, total int64) *meter {
	m := &meter{now: e.Now, start: e.Now(), total: max(total, 0), title: e.say(title), lang: e.Lang}
	m.said = m.start
	switch {
	case !e.chatty():
	case e.IsTTY(e.Stderr):
		m.draw(e.Stderr)
	default:
		m.lines = e.Stderr
	}
	return m
}

// draw puts up the bar.
func (m *meter) draw(w io.Writer) {
	m.container = mpb.New(mpb.WithOutput(w), mpb.WithAutoRefresh())
	m.bar = m.container.AddBar(m.total,
		mpb.PrependDecorators(decor.Name(m.title+" ")),
		mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string {
			return " " + m.stateOf(s.Current, s.Total)
		})))
}

// Add says that n more are done.
func (m *meter) Add(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count += n
	if m.bar != nil {
		m.bar.IncrInt64(n)
	}
	if now := m.now(); m.lines != nil && now.Sub(m.said) >= lineEvery {
		m.said = now
		fmt.Fprintf(m.lines, "%s %s\n", m.title, m.state(m.count))
	}
}

// Of says how many things there are in all, where that becomes known on the way.
func (m *meter) Of(total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if total <= 0 {
		return
	}
	m.total = total
	if m.bar != nil {
		m.bar.SetTotal(total, false)
	}
}

// Stop ends the showing; it must be called, also when the work failed.
func (m *meter) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.container == nil {
		return
	}
	m.bar.Abort(false) // does nothing to a bar that is full
	m.container.Wait()
	m.container = nil
}

// state is count, rate and time left, as far as they can be known.
func (m *meter) state(count int64) string { return m.stateOf(count, m.total) }

func (m *meter) stateOf(count, total int64) string {
	s := strconv.FormatInt(count, 10)
	if total > 0 {
		s += "/" + strconv.FormatInt(total, 10)
	}
	elapsed := m.now().Sub(m.start).Seconds()
	if elapsed <= 0 || count == 0 {
		return s
	}
	rate := float64(count) / elapsed
	s += fmt.Sprintf("  %.*f/s", decimals(rate), rate)
	if left := float64(total-count) / rate; left > 0 && left < maxLeft.Seconds() {
		s += exchange.Text{Zh: "  剩余 ", En: "  left "}.In(m.lang) + (time.Duration(left) * time.Second).String()
	}
	return s
}

// decimals shows slow rates exactly enough to be seen moving.
func decimals(rate float64) int {
	if rate < 10 {
		return 1
	}
	return 0
}

// done is how many were counted so far.
func (m *meter) done() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}
