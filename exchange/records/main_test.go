package records_test

import (
	"os"
	"testing"

	"accord/exchange/records/postgrestest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	postgrestest.Stop()
	os.Exit(code)
}
