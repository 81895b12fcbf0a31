package exchange

import "testing"

func TestReason(t *testing.T) {
	for en, zh := range map[string]string{
		"it has expired":                                    "it has expired", // not in the table: stays as it is
		"no leader":                                         "没有主节点",
		"node.json is damaged":                              "node.json 已损坏",
		"two introductions of court":                        "有两份 court 的申请",
		"there are 5 signatures of 4 founders":              "有 5 份签名，而发起单位是 4 家",
		"/members/4/node/address is not host:port or taken": "/members/4/node/address 不是“主机:端口”，或已被另一成员单位占用",
		"it is not signed by court":                         "缺少 court 的签名",
		"":                                                  "",
	} {
		if got := Reason(en); got.Zh != zh || got.En != en {
			t.Errorf("%q is %+v, want %q", en, got, zh)
		}
	}
	d := Lookup("NODE-001")
	e := &Error{Code: d.Code, Kind: d.Kind, Args: []Arg{{"why", "no leader"}, {"file", "invitation"}, {"path", "invitation"}}}
	if e.Args[0].in(Zh) != "没有主节点" || e.Args[0].in(En) != "no leader" || e.Args[1].in(Zh) != "邀请" || e.Args[1].in(En) != "invitation" || e.Args[2].in(Zh) != "invitation" {
		t.Errorf("%+v", e.Args)
	}
}

// TestReasonsKeepTheirPlaces: what varies in a reason varies in both languages.
func TestReasonsKeepTheirPlaces(t *testing.T) {
	places := func(s string) (n int) {
		for i := 0; i+1 < len(s); i++ {
			if s[i:i+2] == "{}" {
				n++
			}
		}
		return n
	}
	for en, zh := range reasons {
		if places(en) != places(zh) {
			t.Errorf("%q: %q", en, zh)
		}
	}
}
