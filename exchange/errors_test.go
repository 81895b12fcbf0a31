package exchange

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

var errProbe = Define(KindRefused, "TEST-001",
	Text{"条目 {entry} 不存在", "entry {entry} does not exist"},
	Text{"用 accord list show 查看", "see accord list show"})

func TestErrorTextsAndIdentity(t *testing.T) {
	err := fmt.Errorf("outer: %w", errProbe.With("entry", "e-1").At("/entry"))
	if !errors.Is(err, errProbe) {
		t.Fatal("errors.Is does not see the definition through a wrap")
	}
	e := AsError(err)
	if got := e.What(Zh); got != "条目 e-1 不存在" {
		t.Errorf("zh text %q", got)
	}
	if got := e.What(En); got != "entry e-1 does not exist" {
		t.Errorf("en text %q", got)
	}
	if e.Kind != KindRefused || e.Field != "/entry" {
		t.Errorf("kind %v field %q", e.Kind, e.Field)
	}
	data, _ := json.Marshal(e)
	var back Error
	if err := json.Unmarshal(data, &back); err != nil || !errors.Is(&back, errProbe) {
		t.Errorf("does not survive the wire: %s %v", data, err)
	}
}

func TestUnknownErrorsBecomeInternalAndHideTheirText(t *testing.T) {
	e := AsError(errors.New("password is hunter2"))
	if e.Kind != KindInternal {
		t.Fatalf("kind %v", e.Kind)
	}
	if strings.Contains(e.What(En)+e.What(Zh)+e.Next(En), "hunter2") {
		t.Error("a user text shows the cause")
	}
	if data, _ := json.Marshal(e); strings.Contains(string(data), "hunter2") {
		t.Errorf("the wire form shows the cause: %s", data)
	}
}

func TestKindsHaveNames(t *testing.T) {
	for k := KindInternal; k <= KindPartial; k++ {
		if back, ok := KindOf(k.String()); !ok || back != k {
			t.Errorf("%s is read as %s", k, back)
		}
	}
	if k, ok := KindOf("teapot"); ok {
		t.Errorf("a kind that is none is %s", k)
	}
}

func TestRelayedErrorsSpeakTheOthersWords(t *testing.T) {
	e := Relayed("LATER-001", KindConflict, "what they say", "what to do")
	if e.What(Zh) != "what they say" || e.Next(En) != "what to do" || e.Kind != KindConflict || !strings.Contains(e.Error(), "LATER-001") {
		t.Errorf("%v", e)
	}
	if e := Relayed(errProbe.Code, KindConflict, "x", "y"); e.What(En) == "x" {
		t.Error("somebody else's words replace a definition's")
	}
	if e := (&Error{Code: "LATER-001"}); e.What(En) != "LATER-001" || e.Next(En) != "" {
		t.Errorf("without words: %q %q", e.What(En), e.Next(En))
	}
}

func TestDefineTwicePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a second definition of TEST-001 was accepted")
		}
	}()
	Define(KindInvalid, "TEST-001", Text{}, Text{})
}

func TestEveryDefinitionSpeaksBothLanguages(t *testing.T) {
	for _, d := range Definitions() {
		if d.What.Zh == "" || d.What.En == "" {
			t.Errorf("%s lacks a text", d.Code)
		}
	}
}

func TestSubjectIDValid(t *testing.T) {
	for id, want := range map[SubjectID]bool{
		"org:91639900MA0000001X": true, "person:h1.AAAA_-": true, "person:": false, "org": false,
		"other:x": false, "org:a b": false, "org:a/b": false, "": false,
	} {
		if got := id.Valid(); got != want {
			t.Errorf("%q valid = %v, want %v", id, got, want)
		}
	}
}
