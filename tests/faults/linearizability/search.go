package main

import (
	"sort"

	"github.com/anishathalye/porcupine"
)

// What Porcupine searches is the order of the operations that change an account. Those that only tell
// (a balance, a decline) would make the search hopeless: dozens are under way at a time, they fit
// wherever nothing changes, and each subset of them would be a way of its own. But one that fits may be
// taken at once, since nothing after it can tell the difference. So they ride along: the state knows
// which of them were met, and each change is followed by all that may come now and fit.

// search is one account's operations, numbered by their ends.
type search struct {
	setting
	all     []*planned
	tellers []teller // in the order of their calls
	holds   int
}

// teller changes nothing, so it is met as soon as it may come and fits.
type teller struct {
	*planned
	number int
	after  int // how many operations have ended before it was called: they come first
}

// state is a value, so that equal states compare equal.
type state struct {
	account
	done     string // a bit for each operation
	prefix   int    // so many of the first to end are done
	first    int    // the first teller that is not met
	isClosed bool   // what has no end, and comes now, never happened
}

// change is an operation for the search; `close` comes after all that have an end.
type change struct {
	*planned
	number  int
	isClose bool
}

func (common setting) isTeller(p *planned) bool {
	if p.told == nil || p.end == never {
		return false
	}
	opens := common.AutoOpenLimitMinor != nil && p.amount > *common.AutoOpenLimitMinor
	return p.kind == balance || (p.kind == authorize && p.told.ApprovedMinor == 0 && !opens)
}

func newSearch(common setting, all []*planned, holds int) *search {
	s := &search{setting: common, all: append([]*planned(nil), all...), holds: holds}
	sort.SliceStable(s.all, func(i, j int) bool { return s.all[i].end < s.all[j].end })
	for number, p := range s.all {
		if common.isTeller(p) {
			after := sort.Search(len(s.all), func(at int) bool { return s.all[at].end >= p.call })
			s.tellers = append(s.tellers, teller{p, number, after})
		}
	}
	sort.SliceStable(s.tellers, func(i, j int) bool { return s.tellers[i].call < s.tellers[j].call })
	return s
}

// operations are those that change something, and the close.
func (s *search) operations() []porcupine.Operation {
	var found []porcupine.Operation
	last := int64(0)
	for number, p := range s.all {
		if p.end != never {
			last = maxOf(last, p.end)
		}
		if !s.isTeller(p) {
			found = append(found, porcupine.Operation{
				Input: &change{planned: p, number: number}, Call: p.call, Return: p.end})
		}
	}
	return append(found, porcupine.Operation{
		Input: &change{isClose: true}, Call: last + 1, Return: never})
}

func (s *search) model() porcupine.Model {
	return porcupine.Model{
		Init: func() interface{} { return s.begin() },
		Step: func(before, input, _ interface{}) (bool, interface{}) {
			return s.step(before.(state), input.(*change))
		},
		Hash: func(of interface{}) uint64 {
			a := of.(state)
			return uint64(a.limit)*1000003 ^ uint64(a.held)*7919 ^ uint64(a.version)
		},
	}
}

func (s *search) begin() state {
	none := make([]byte, s.holds)
	for at := range none {
		none[at] = holdNone
	}
	return s.meet(state{account: account{holds: string(none)}}, make([]byte, len(s.all)/8+1))
}

func (s *search) step(before state, c *change) (bool, state) {
	if before.isClosed {
		return true, before
	}
	if s.comesTooLate(before, c) {
		return false, before
	}
	if c.isClose {
		before.isClosed = true
		return true, before
	}
	ok, after := s.setting.step(before.account, &c.planned.operation, c.told)
	if !ok {
		return false, before
	}
	done := []byte(before.done)
	mark(done, c.number)
	before.account = after
	return true, s.meet(before, done)
}

// comesTooLate: a teller had ended when this was called, and nothing before it was as it told.
func (s *search) comesTooLate(now state, c *change) bool {
	call := int64(never)
	if !c.isClose {
		call = c.call
	}
	for _, t := range s.tellers[now.first:] {
		if t.after > now.prefix {
			return false
		}
		if t.end < call && !isMarked(now.done, t.number) {
			return true
		}
	}
	return false
}

// meet takes every teller that may come now and tells of this account.
func (s *search) meet(now state, done []byte) state {
	for isMore := true; isMore; {
		isMore = false
		for now.prefix < len(s.all) && isSet(done, now.prefix) {
			now.prefix++
		}
		for _, t := range s.tellers[now.first:] {
			if t.after > now.prefix {
				break
			}
			if isSet(done, t.number) {
				continue
			}
			if ok, _ := s.setting.step(now.account, &t.operation, t.told); ok {
				mark(done, t.number)
				isMore = true
			}
		}
	}
	for now.first < len(s.tellers) && isSet(done, s.tellers[now.first].number) {
		now.first++
	}
	now.done = string(done)
	return now
}

func mark(bits []byte, at int)          { bits[at/8] |= 1 << (at % 8) }
func isSet(bits []byte, at int) bool    { return bits[at/8]&(1<<(at%8)) != 0 }
func isMarked(bits string, at int) bool { return bits[at/8]&(1<<(at%8)) != 0 }
