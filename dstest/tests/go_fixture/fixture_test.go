package fixture

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

func TestPasses2A(t *testing.T) {
	fmt.Printf("Test (2A): addition ...\n")
	if Add(1, 2) != 3 {
		t.Fatal("one and two are not three")
	}
	fmt.Printf("  ... Passed --   3.5  3  104   2048    7\n")
}

func TestPasses2AToo(t *testing.T) {}

func TestFlaky2C(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("DSTEST_SEED"), 10, 64)
	if err != nil {
		t.Fatal("no seed")
	}
	if seed%2 == 1 {
		t.Fatalf("an odd seed in iteration %s", os.Getenv("DSTEST_ITER"))
	}
}

func TestFails2B(t *testing.T) {
	t.Run("sub/one", func(t *testing.T) { t.Fatalf("no agreement in term 4") })
}

func TestPanics(t *testing.T) {
	var none []int
	_ = none[len(os.Args)]
}

func TestExitsEarly(t *testing.T) { os.Exit(0) }

func TestHangs2D(t *testing.T) {
	fmt.Println("waiting for a leader")
	time.Sleep(time.Hour)
}

func TestRaces(t *testing.T) {
	shared := 0
	var all sync.WaitGroup
	for i := 0; i < 2; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			shared++
		}()
	}
	all.Wait()
}

func TestReadsItsDirectory(t *testing.T) {
	if _, err := os.Stat("fixture.go"); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkNothing(b *testing.B) {}

func ExampleAdd() {
	fmt.Println(Add(1, 2))
	// Output: 3
}
