// Command accord-verify verifies an evidence file of a federation offline: no
// network, no keys, no node. It links the module's crypto packages only; what
// it checks and what a good result does not say is in package bundle.
//
//	accord-verify [--trust DIGEST] [--policy FILE] [--paper CODE] [--output text|json] [--lang zh|en] [--show] FILE
//
// FILE "-" is standard input. Exit status: 0 verified, 1 wrong usage or
// unreadable file, 6 not verified.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
)

// The exit statuses, the same as accord's.
const (
	exitOK         = 0
	exitUsage      = 1
	exitUnverified = 6
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// settings is what the command line says.
type settings struct {
	options bundle.Options
	output  string
	lang    string
	file    string
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintln(stderr, "accord-verify:", err)
		return exitUsage
	}
	data, err := read(s.file, stdin, bundle.MaxFile)
	if err != nil {
		fmt.Fprintln(stderr, "accord-verify:", err)
		return exitUsage
	}
	report := bundle.VerifyFile(data, s.options)
	if err := write(stdout, report, s); err != nil {
		fmt.Fprintln(stderr, "accord-verify:", err)
		return exitUsage
	}
	if !report.OK {
		return exitUnverified
	}
	return exitOK
}

// parse reads flags before and after FILE alike.
func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("accord-verify", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.String("trust", "", "章程摘要，64 位十六进制 / charter `digest`, 64 hex digits")
	flags.String("policy", "", "共签策略文件 / cosigner policy `file` (C2SP tlog-policy)")
	flags.StringVar(&s.output, "output", "text", "输出格式 / output `format`: text, json")
	flags.StringVar(&s.lang, "lang", "zh", "语言 / `language`: zh, en")
	flags.String("paper", "", "纸质报告的查验码 / `code` of a printed report")
	flags.BoolVar(&s.options.Show, "show", false, "显示已披露信息项的内容 / show the values of disclosed fields")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "用法 / usage: accord-verify [flags] FILE")
		flags.PrintDefaults()
	}
	var files []string
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			return s, err
		}
		if flags.NArg() == 0 {
			break
		}
		files = append(files, flags.Arg(0))
		rest = flags.Args()[1:]
	}
	switch {
	case len(files) != 1:
		return s, errors.New("请给出一个文件 / give one FILE")
	case s.output != "text" && s.output != "json":
		return s, errors.New("--output: text | json")
	case s.lang != "zh" && s.lang != "en":
		return s, errors.New("--lang: zh | en")
	}
	s.file = files[0]
	s.options.Now = time.Now().UnixMilli()
	var err error
	flags.Visit(func(f *flag.Flag) {
		if err == nil {
			err = anchor(&s.options, f.Name, f.Value.String())
		}
	})
	return s, err
}

// anchor reads what the verifier trusts. An anchor that was given and cannot be
// read, an empty one included, is an error and never the same as none: a script
// whose variable is not set must not verify less than it means to.
func anchor(o *bundle.Options, flag, value string) error {
	switch flag {
	case "trust":
		d, err := bundle.ParseDigest(value)
		if err != nil {
			return fmt.Errorf("--trust: %w", err)
		}
		o.Trust = &d
	case "paper":
		if value == "" {
			return errors.New("--paper: 空 / empty")
		}
		o.Paper = value
	case "policy":
		data, err := read(value, nil, 1<<20)
		if err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
		if o.Policy, err = tlog.ParsePolicy(data); err != nil {
			return fmt.Errorf("--policy: %w", err)
		}
	}
	return nil
}

// read reads a file, or standard input for "-", up to one byte over the limit
// so that what is too large is seen to be.
func read(name string, stdin io.Reader, limit int64) ([]byte, error) {
	if name == "-" && stdin != nil {
		return io.ReadAll(io.LimitReader(stdin, limit+1))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

func write(w io.Writer, report *bundle.Report, s settings) error {
	if s.output == "text" {
		return bundle.Render(w, report, s.lang)
	}
	data, err := strictjson.Marshal(report)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}
