package consensus

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// newLogger passes raft's log on to slog, from INFO up, without what it repeats about
// peers that are away.
func newLogger(to *slog.Logger, away *absences) hclog.Logger {
	l := hclog.NewInterceptLogger(&hclog.LoggerOptions{Level: hclog.Info, Output: io.Discard})
	l.RegisterSink(sink{to, away})
	return l
}

// ordinary are warnings of raft's over what happens whenever a node starts or catches
// up, and calls for nothing: the leader looks for the place where two logs part, and a
// node that has heard of no leader asks whether it may stand.
var ordinary = map[string]bool{
	"failed to get previous log":                        true,
	"previous log term mis-match":                       true,
	"rejecting pre-vote request since we have a leader": true,
}

// expected are warnings of raft's over what a working federation does, too: when a
// leader stops, or at the founding, somebody stands for election. That a peer is away
// is said by itself.
var expected = map[string]bool{"heartbeat timeout reached, starting election": true}

type sink struct {
	to   *slog.Logger
	away *absences
}

// Accept takes one line. Raft prints whole commands when something unexpected
// arrives ("command" with %#v); payloads have no place in a log, so of such
// values only the key stays.
func (s sink) Accept(_ string, level hclog.Level, msg string, args ...any) {
	if s.away.hears(msg, args) || ordinary[msg] {
		return
	}
	var at slog.Level
	switch {
	case level >= hclog.Error:
		at = slog.LevelError
	case level == hclog.Warn && !expected[msg]:
		at = slog.LevelWarn
	case level == hclog.Warn, level == hclog.Info:
		at = slog.LevelInfo
	default:
		return
	}
	if !s.to.Enabled(context.Background(), at) {
		return
	}
	attrs := make([]slog.Attr, 0, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		key, _ := args[i].(string)
		attrs = append(attrs, slog.String(key, loggable(key, args[i+1])))
	}
	s.to.LogAttrs(context.Background(), at, "raft: "+msg, attrs...)
}

func loggable(key string, v any) string {
	if key == "command" || key == "log" {
		return "(withheld)"
	}
	if f, ok := v.(hclog.Format); ok {
		if len(f) == 0 {
			return ""
		}
		format, _ := f[0].(string)
		return fmt.Sprintf(format, f[1:]...)
	}
	return fmt.Sprint(v)
}
