package agency_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"accord/exchange/records"
)

// TestAMirrorFindsByTheSameNames: what a mirror makes of a record is found by the
// names its author finds it by, and a name the catalogue does not let be public is
// not indexed, however the author shows it.
func TestAMirrorFindsByTheSameNames(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	importSample(t, w)
	page, _, err := w.agency["association"].Records.List(ctx, records.Filter{}, "", records.MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	named, persons := 0, 0
	for _, own := range page {
		mirrored, err := w.agency["court"].ReadRecord("association", own.JWT)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(mirrored.Numbers, own.Numbers) || mirrored.Area != own.Area {
			t.Errorf("%s: its author finds it by %q in %d, a mirror by %q in %d", own.Category, own.Numbers, own.Area, mirrored.Numbers, mirrored.Area)
		}
		if !slices.Equal(mirrored.Names, own.Names) {
			t.Errorf("%s: its author finds it by %q, a mirror by %q", own.Category, own.Names, mirrored.Names)
		}
		if len(own.Names) > 0 {
			named++
		}
		if own.SubjectKind != "practitioner" {
			continue
		}
		persons++
		licence, err := w.agency["court"].ReadRecord("association", withPublic(t, own.JWT, "licence_number", "不应-0001"))
		if err != nil || slices.Contains(licence.Numbers, records.NumberKey("不应-0001")) {
			t.Errorf("a sealed number that its author shows is indexed: %q %v", licence.Numbers, err)
		}
		shown, err := w.agency["court"].ReadRecord("association", withPublic(t, own.JWT, "name", "张不应"))
		if err != nil || len(shown.Names) > 0 {
			t.Errorf("a sealed name that its author shows is indexed: %q %v", shown.Names, err)
		}
	}
	if named == 0 || persons == 0 {
		t.Errorf("%d records with names, %d of persons: nothing was compared", named, persons)
	}
}

// withPublic puts one more public field into a record; its signature is not
// looked at here.
func withPublic(t *testing.T, jwt, field string, value any) string {
	t.Helper()
	parts := strings.Split(jwt, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		t.Fatal("not a record", err)
	}
	claims["public"].(map[string]any)[field] = value
	raw, err = json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString(raw)
	return strings.Join(parts, ".")
}
