package main

import (
	"fmt"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

// What was told until a moment is linearizable if all is; so the first answer that cannot be is found
// by halving.

const (
	shown   = 6               // changes before it
	patient = 2 * time.Second // with each half
)

// until is what had begun at a moment. What has ended later may have happened by then, or not.
func until(all []*planned, moment int64) []*planned {
	var known []*planned
	for _, p := range all {
		if p.call > moment {
			continue
		}
		one := *p
		if one.end > moment {
			one.end = never
		}
		known = append(known, &one)
	}
	return known
}

// explain prints the first answer that cannot be, and a past that would explain all before it.
func explain(common setting, b *book) {
	var ends []int64
	for _, p := range b.planned {
		if p.end != never {
			ends = append(ends, p.end)
		}
	}
	sort.Slice(ends, func(i, j int) bool { return ends[i] < ends[j] })
	first := sort.Search(len(ends), func(at int) bool {
		s := newSearch(common, until(b.planned, ends[at]), len(b.holds))
		return porcupine.CheckOperationsTimeout(s.model(), s.operations(), patient) != porcupine.Ok
	})
	if first == len(ends) {
		fmt.Printf("%s: no order of its operations explains the answers\n", b.name)
		return
	}
	for _, p := range b.planned {
		if p.end == ends[first] {
			fmt.Printf("%s: no order explains %s\n", b.name, p)
		}
	}
	explainBefore(newSearch(common, until(b.planned, ends[first]-1), len(b.holds)))
}

// explainBefore prints the last changes of one order that is possible.
func explainBefore(s *search) {
	result, info := porcupine.CheckOperationsVerbose(s.model(), s.operations(), patient)
	if result != porcupine.Ok {
		return
	}
	now := s.begin()
	lines := []string{fmt.Sprintf("    %s", now.account)}
	for _, op := range info.PartialLinearizationsOperations()[0][0] {
		c := op.Input.(*change)
		if c.isClose {
			break
		}
		_, now = s.step(now, c)
		lines = append(lines, fmt.Sprintf("  %s\n    then %s", c.planned, now.account))
	}
	fmt.Println("  all before it could be, for instance with this end:")
	for _, line := range lines[maxOfInt(0, len(lines)-shown):] {
		fmt.Println(line)
	}
}

func (p *planned) String() string {
	if p.kind == open {
		return "the account opens on first sight"
	}
	if p.record == nil {
		return fmt.Sprintf("a hold of %d that ends by itself ('%c')", p.amount, p.ends)
	}
	if p.end == never {
		return p.record.String() + " (perhaps)"
	}
	return p.record.String()
}

func maxOfInt(a, b int) int {
	if a > b {
		return a
	}
	return b
}
