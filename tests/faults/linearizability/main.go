// linearizability [-seconds N] HISTORY... - decides whether the accounts of recorded histories could
// have answered as they did, one operation after the other. ../README.md tells the format.
//
// Prints a line for each history and what is wrong. Exit code 0: all could; 1: not; 2: usage, or a
// file that is no history; 3: not decided in time, which is no proof of anything.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	exitWrong     = 1
	exitUsage     = 2
	exitUndecided = 3
)

func main() {
	seconds := flag.Int("seconds", 60, "how long to search in one account at most")
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(exitUsage)
	}
	code := 0
	for _, path := range flag.Args() {
		if found := check(path, time.Duration(*seconds)*time.Second); found > code {
			code = found
		}
	}
	os.Exit(code)
}

// check gives one file's exit code.
func check(path string, limit time.Duration) int {
	began := time.Now()
	file, err := os.Open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	defer file.Close()
	common, records, err := readHistory(file)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
		return exitUsage
	}
	books := booksOf(common, records)
	results := checkBooks(common, books, limit)
	code := 0
	for at, b := range books {
		if found := tell(common, b, results[at], limit); found > code {
			code = found
		}
	}
	verdict := map[int]string{0: "linearizable", exitWrong: "NOT linearizable", exitUndecided: "undecided"}
	fmt.Printf("%s: %s, %s in %d ms\n", path, verdict[code], count(records, books),
		time.Since(began).Milliseconds())
	return code
}

func count(records []*record, books []*book) string {
	outcomes := map[string]int{}
	for _, r := range records {
		outcomes[r.Outcome]++
	}
	operations, open := 0, 0
	for _, b := range books {
		operations += len(b.planned)
		for _, one := range b.planned {
			if one.end == never {
				open++
			}
		}
	}
	return fmt.Sprintf("%d tries (%d acknowledged, %d refused, %d unknown) are %d operations on %d "+
		"accounts, %d without an end", len(records), outcomes[acknowledged], outcomes[refused],
		outcomes[unknown], operations, len(books), open)
}

// checkBooks searches in all accounts, as many at a time as there are processors.
func checkBooks(common setting, books []*book, limit time.Duration) []porcupine.CheckResult {
	results := make([]porcupine.CheckResult, len(books))
	slots := make(chan bool, runtime.NumCPU())
	var all sync.WaitGroup
	for at := range books {
		all.Add(1)
		slots <- true
		go func(at int) {
			defer all.Done()
			s := newSearch(common, books[at].planned, len(books[at].holds))
			results[at] = porcupine.CheckOperationsTimeout(s.model(), s.operations(), limit)
			<-slots
		}(at)
	}
	all.Wait()
	return results
}

// tell prints what is wrong with an account and gives its exit code.
func tell(common setting, b *book, result porcupine.CheckResult, limit time.Duration) int {
	for _, fault := range b.faults {
		fmt.Printf("%s: %s\n", b.name, fault)
	}
	switch {
	case result == porcupine.Illegal:
		explain(common, b)
		return exitWrong
	case len(b.faults) > 0:
		return exitWrong
	case result == porcupine.Unknown:
		fmt.Printf("%s: not decided within %s\n", b.name, limit)
		return exitUndecided
	}
	return 0
}
