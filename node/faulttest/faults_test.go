package faulttest_test

import (
	"testing"

	"accord/node/faulttest"
)

func TestMain(m *testing.M) { faulttest.Main(m) }
