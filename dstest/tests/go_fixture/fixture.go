// Package fixture is a small package for the end-to-end tests of the Go adapter.
package fixture

// Add adds.
func Add(a, b int) int { return a + b }
