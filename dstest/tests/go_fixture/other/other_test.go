package other

import "testing"

func TestPasses2A(t *testing.T) {}
