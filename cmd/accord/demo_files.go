package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/demo"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readFile gives a small file as a reader.
func readFile(path string) (io.Reader, error) {
	raw, err := os.ReadFile(path)
	return bytes.NewReader(raw), err
}

// demoScan is what a search of a demo's folder came to.
type demoScan struct {
	Canaries int         `json:"canaries"`
	Bytes    int64       `json:"bytes"`
	Finds    []demo.Find `json:"finds"`
}

var errFound = exchange.Define(exchange.KindUnverified, "DEMO-012",
	exchange.Text{Zh: "第 {canary} 个植入的私密值以 {form} 形式出现在 {path}", En: "planted value {canary} stands as {form} in {path}"},
	exchange.Text{Zh: "这是泄漏，请报告", En: "this is a leak: report it"})

// scanDemo searches nodes, logs, recorded wire and evidence of a demo, all but
// the sample files themselves.
func scanDemo(dir string) (demoScan, error) {
	roots := []string{filepath.Join(dir, "logs"), filepath.Join(dir, "wire")}
	if evidence := filepath.Join(dir, "evidence.json"); exists(evidence) {
		roots = append(roots, evidence)
	}
	for _, n := range demo.Agencies() {
		roots = append(roots, filepath.Join(dir, n.Member))
	}
	canaries := intake.SampleCanaries()
	read, finds, err := demo.Scan(canaries, roots...)
	if err != nil {
		return demoScan{}, demo.ErrNoDemo.Wrap(err, "dir", dir)
	}
	scan := demoScan{Canaries: len(canaries), Bytes: read, Finds: append([]demo.Find{}, finds...)}
	if len(finds) > 0 {
		return scan, errFound.With("canary", finds[0].Canary, "form", finds[0].Form, "path", finds[0].Path)
	}
	return scan, nil
}

func (s demoScan) text() exchange.Text {
	return exchange.Text{
		Zh: fmt.Sprintf("%d 个植入的私密值，搜索 %d KiB，未发现", s.Canaries, s.Bytes>>10),
		En: fmt.Sprintf("%d planted values, %d KiB searched, none found", s.Canaries, s.Bytes>>10),
	}
}
