package demo

import (
	"encoding/base64"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestRecorderForwardsAndKeepsACopy(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	path := filepath.Join(t.TempDir(), "wire")
	r, err := Record("127.0.0.1:0", echo.Addr().String(), path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", r.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	if got, _ := io.ReadAll(c); string(got) != "hello" {
		t.Errorf("the echo came back as %q", got)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if copied, _ := os.ReadFile(path); string(copied) != "hellohello" {
		t.Errorf("recorded %q", copied)
	}
}

func TestScanFindsEveryForm(t *testing.T) {
	secret := "639900199003071234"
	for form, content := range map[string]string{
		"plain": "x" + secret + "y", "hex": "363339393030313939303033303731323334",
		"base64": base64.StdEncoding.EncodeToString([]byte("ab" + secret + "zzz")),
		"json":   `{"a":"` + secret + `"}`,
	} {
		dir := t.TempDir()
		os.WriteFile(filepath.Join(dir, "f"), []byte(content), 0o600)
		_, finds, err := Scan([]string{secret}, dir)
		if err != nil || len(finds) == 0 {
			t.Errorf("%s: nothing found (%v)", form, err)
		}
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "f"), []byte("nothing to see, 639900199003071235"), 0o600)
	if _, finds, _ := Scan([]string{secret}, dir); len(finds) != 0 {
		t.Errorf("found %v in a clean file", finds)
	}
	for _, offset := range []string{"", "a", "ab"} {
		os.WriteFile(filepath.Join(dir, "f"), []byte(base64.RawURLEncoding.EncodeToString([]byte(offset+"张三丰的证件号"+offset))), 0o600)
		if _, finds, _ := Scan([]string{"张三丰的证件号"}, dir); len(finds) == 0 {
			t.Errorf("missed base64 at offset %d", len(offset))
		}
	}
}
