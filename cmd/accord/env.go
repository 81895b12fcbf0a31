package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"accord/exchange"
	"accord/node/founding"

	"github.com/urfave/cli/v2"
)

// env is all a command may touch of the world outside, and what the global
// flags said. Tests make their own.
type env struct {
	// The world, fixed before run.
	Stdout, Stderr io.Writer
	Stdin          io.Reader
	Args           []string // the program's name first
	Getenv         func(name string) string
	Environ        func() []string
	IsTTY          func(stream any) bool // of Stdin, Stdout or Stderr
	Width          func() int            // columns of the terminal, 0 when unknown
	Now            func() time.Time
	Dial           func(ctx context.Context, socket string) (net.Conn, error)

	// The global flags, valid once a command runs (settle).
	Lang      exchange.Lang
	Format    format
	Dir       string              // of the node's data and socket
	Operator  exchange.OperatorID // the 经办人 who acts; empty when none is named
	Quiet     bool
	NoColor   bool
	Debug     bool // show the cause of internal errors
	Ambiguous int  // columns of a character of ambiguous width, 1 or 2

	makers   []maker // the commands of this run, for a command that runs others
	app      *cli.App
	line     *line
	client   *http.Client
	warnings []*exchange.Error // held back until the end in JSON mode
}

// osEnv is the real world.
func osEnv() *env {
	return &env{
		Stdout: os.Stdout, Stderr: os.Stderr, Stdin: os.Stdin,
		Args: os.Args, Getenv: os.Getenv, Environ: os.Environ,
		IsTTY: isTerminal, Width: func() int { return terminalWidth(os.Stdout) },
		Now: time.Now,
		Dial: func(ctx context.Context, socket string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}
}

// peek finds language and format before the line is read, so that whatever is
// wrong with the line is said in the way that was asked for. It judges
// nothing: settle does.
func (e *env) peek() {
	e.Lang = langOf(lastValue(e.Args, "--lang"), e.Getenv)
	wanted := lastValue(e.Args, "--output", "-o")
	if wanted == "" {
		wanted = e.Getenv("ACCORD_OUTPUT")
	}
	e.Format = format(wanted)
	e.NoColor = slices.Contains(e.Args, "--no-color")
	e.Ambiguous = 1
}

// settle takes over the global flags; it runs before every action.
func (e *env) settle(c *cli.Context) error {
	if lang := c.String("lang"); lang != "" {
		e.Lang = exchange.Lang(lang)
	}
	e.Format = format(c.String("output"))
	e.Dir = c.String("dir")
	e.Operator = exchange.OperatorID(c.String("operator"))
	e.Quiet = c.Bool("quiet")
	e.NoColor = c.Bool("no-color")
	e.Debug = c.Bool("debug")
	if c.String("ambiguous") == "wide" {
		e.Ambiguous = 2
	}
	if e.Operator != "" && !exchange.ValidName(string(e.Operator)) {
		return errBadValue.With("flag", e.line.source("--operator"), "value", e.Operator, "example", "zhang.san, 10234")
	}
	e.warnUnknownVariables()
	return nil
}

// chatty says whether remarks, help and progress may go to stderr.
func (e *env) chatty() bool { return !e.Quiet && e.Format != formatJSON }

// systemDir is where a node that serves an agency keeps its data.
const systemDir = "/var/lib/accord"

// defaultDir is where to look for a node when nothing is said: the system's
// place for root, the user's otherwise.
func defaultDir(root bool, getenv func(string) string) string {
	home, data := getenv("HOME"), getenv("XDG_DATA_HOME")
	switch {
	case root || home == "" && data == "":
		return systemDir
	case data != "":
		return filepath.Join(data, "accord")
	}
	return filepath.Join(home, ".local", "share", "accord")
}

// Socket is the node's local socket. Who may open it may operate the node, so
// it needs no password; the directory's mode guards it.
func (e *env) Socket() string { return filepath.Join(e.Dir, "accord.sock") }

// noNode says why no node answers under --dir: a folder that belongs to no federation
// has none.
func (e *env) noNode(err error) error {
	if _, none := founding.ReadIdentity(e.Dir); none == nil {
		if _, none = founding.ReadGenesis(e.Dir); errors.Is(none, founding.ErrNotFounded) {
			return none
		}
	}
	return errNoNode.Wrap(err, "dir", e.Dir)
}

// HTTP is a client whose every request goes to the node under --dir, whatever
// host its URL names. Nothing is dialled before the first request.
func (e *env) HTTP() *http.Client {
	if e.client == nil {
		e.client = &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := e.Dial(ctx, e.Socket())
				if err != nil {
					return nil, e.noNode(err)
				}
				return conn, nil
			},
		}}
	}
	return e.client
}
