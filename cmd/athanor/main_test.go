package main

import (
	"testing"

	"github.com/athanor-lab/athanor/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
