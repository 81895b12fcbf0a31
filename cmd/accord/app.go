package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// maker builds one top-level command in e's language.
type maker func(e *env) *cli.Command

// commands is the whole tool, in the order help shows it.
var commands = []maker{
	demoCommand,
	initCommand,
	nodeCommand,
	benchCommand,
	configCommand,
	backupCommand,
	dbCommand,
	doctorCommand,
	memberCommand,
	joinGroup,
	proposalCommand,
	peeringCommand,
	charterCommand,
	blindingCommand,
	recoverCommand,
	catalogueCommand,
	recordCommand,
	mappingCommand,
	listCommand,
	checkCommand,
	reportCommand,
	releaseCommand,
	subjectCommand,
	ledgerCommand,
	feedCommand,
	custodyCommand,
	webhookCommand,
	verifyCommand,
	explainCommand,
	versionCommand,
	completionCommand,
	helpCommand,
	manCommand,
}

// run reads e.Args, does what they say and returns the exit code. It is the
// whole program but for the process around it.
func run(ctx context.Context, e *env, makers ...maker) (code int) {
	defer func() {
		if p := recover(); p != nil {
			// Go would exit with 2, which here means "refused by a rule".
			code = e.fail(exchange.ErrInternal.Wrap(fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
		}
	}()
	e.peek()
	e.makers = makers
	e.app = newApp(e, makers)
	if len(e.Args) > 1 && e.Args[1] == completeWord {
		e.complete(e.Args[2:])
		return 0
	}
	if err := e.dispatch(ctx); err != nil {
		return e.fail(err)
	}
	e.flushWarnings()
	return 0
}

// dispatch resolves the line, completes it from the environment, checks it,
// and only then lets urfave parse and run it.
func (e *env) dispatch(ctx context.Context) error {
	l, err := resolve(rootOf(e.app), e.arguments())
	if err != nil {
		return err
	}
	if l.help {
		return e.help(l.path)
	}
	if l.command().Action == nil {
		return e.commandMissing(l)
	}
	l.fill(e.Getenv)
	if err := l.check(); err != nil {
		return err
	}
	e.line = l
	return e.app.RunContext(ctx, append([]string{e.app.Name}, l.argv()...))
}

// arguments are the words after the program's name; the flag --version alone
// is the command version, as everywhere.
func (e *env) arguments() []string {
	if len(e.Args) == 0 {
		return nil
	}
	if len(e.Args) == 2 && e.Args[1] == "--version" {
		return []string{"version"}
	}
	return e.Args[1:]
}

// commandMissing shows the help of a group named without a command. It is a
// usage error: a script whose variable came out empty must not succeed.
func (e *env) commandMissing(l *line) error {
	if e.chatty() {
		fmt.Fprintln(e.Stderr, e.helpText(l.path))
	}
	return errCommandMissing.With("group", l.name(), "help", l.helpLine())
}

// newApp builds the command tree in e's language and dresses it.
func newApp(e *env, makers []maker) *cli.App {
	app := &cli.App{
		Name:                      "accord",
		Usage:                     e.t("信用信息共享联合体节点", "a node of a credit-exchange federation"),
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		Flags:                     globalFlags(e),
		Reader:                    e.Stdin,
		Writer:                    io.Discard, // what urfave says by itself is not in our voice
		ErrWriter:                 io.Discard,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              e.usageError,
	}
	for _, make := range makers {
		app.Commands = append(app.Commands, dress(e, make(e)))
	}
	return app
}

// dress gives a command and all below it what every command has.
func dress(e *env, c *cli.Command) *cli.Command {
	c.HideHelp = true // urfave's own help would answer to an argument "help"
	c.OnUsageError = e.usageError
	for _, f := range globalFlags(e) {
		hide(f) // help lists them apart
		c.Flags = append(c.Flags, f)
	}
	if c.Action != nil {
		c.Before = inOrder(e.settle, c.Before)
	}
	for _, sub := range c.Subcommands {
		dress(e, sub)
	}
	return c
}

// inOrder runs one hook after the other, if there is another.
func inOrder(first, second cli.BeforeFunc) cli.BeforeFunc {
	return func(c *cli.Context) error {
		if err := first(c); err != nil || second == nil {
			return err
		}
		return second(c)
	}
}

// rootOf is the app as a command, so that one walk serves the whole tree.
func rootOf(app *cli.App) *cli.Command {
	return &cli.Command{Name: app.Name, Usage: app.Usage, Description: app.Description,
		Flags: app.Flags, Subcommands: app.Commands}
}
