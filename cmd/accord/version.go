package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// version is set by the release build (-ldflags "-X main.version=1.2.3"). A
// build from a module download or a checkout knows its version without it.
var version string

// build says which program this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Modified bool   `json:"modified,omitempty"` // the checkout had changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Modules are the libraries in the program, with the sums that go.sum pins.
	Modules []module `json:"modules"`
}

type module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
}

func thisBuild() build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Modules: []module{}}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b.named()
	}
	if b.Version == "" && info.Main.Version != "(devel)" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	for _, d := range info.Deps {
		b.Modules = append(b.Modules, module{d.Path, d.Version, d.Sum})
	}
	return b.named()
}

// named gives a build without a version its name.
func (b build) named() build {
	if b.Version == "" {
		b.Version = "devel"
	}
	return b
}

// versionCommand says which program this is.
func versionCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: e.t("版本", "which program this is"),
		Action: func(*cli.Context) error {
			b := thisBuild()
			return e.object(b, func(w io.Writer) { fmt.Fprintf(w, "accord %s%s\n%s %s\n", b.Version, b.commit(), b.Go, b.Platform) })
		},
	}
}

func (b build) commit() string {
	if b.Commit == "" {
		return ""
	}
	s := " (" + b.Commit[:min(12, len(b.Commit))]
	if b.Modified {
		s += "+"
	}
	return s + ")"
}
