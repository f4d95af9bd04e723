package main

import (
	"fmt"
	"math"
	"sort"
)

// From tries to operations. A transaction is decided once and a key has one outcome, so all tries of
// a request are one operation: it happens after the first try that may have done it began, and before
// the first answer. What the tries were told must be the same, which is looked at here. Answers say
// when it was done, by the clock after the account was locked: it cannot have shown before that.

// never is the end of an operation whose outcome nobody knows: it may happen at any later time.
const never = math.MaxInt64

// book is one account of a history: its tries, and the operations that they make.
type book struct {
	name     string
	planned  []*planned
	holds    map[string]*hold // by transaction id
	inOrder  []*hold          // as they were first asked for
	byID     map[string]*hold // by authorization id, where it was ever told
	voids    map[string][]*record
	voidKeys []string
	list     *record // the last one
	lastNs   int64
	askedNs  int64    // when credit was first asked for
	faults   []string // what needs no search to be called wrong
}

// planned is an operation that happens at one moment of [call, end].
type planned struct {
	operation
	call, end int64
	told      *output // nil: nobody knows
}

func (b *book) fault(format string, args ...interface{}) {
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

func (b *book) plan(op operation, call, end int64, told *output) *planned {
	b.planned = append(b.planned, &planned{op, call, end, told})
	return b.planned[len(b.planned)-1]
}

// booksOf parts a history by account.
func booksOf(common setting, records []*record) []*book {
	byName := map[string]*book{}
	var books []*book
	for _, r := range records {
		if byName[r.Account] == nil {
			b := &book{name: r.Account, askedNs: never, holds: map[string]*hold{}, byID: map[string]*hold{},
				voids: map[string][]*record{}}
			byName[r.Account], books = b, append(books, b)
		}
		byName[r.Account].note(r)
	}
	for _, b := range books {
		if common.AutoOpenLimitMinor != nil {
			b.addOpening()
		}
		b.addTransactions()
		b.addVoids()
		b.addRest(records)
		b.addEnds()
		b.narrow()
		b.checkList()
		sort.Strings(b.faults)
	}
	return books
}

// note learns which transactions there are, before anything speaks of their ids.
func (b *book) note(r *record) {
	b.lastNs = maxOf(b.lastNs, r.StartNs)
	if r.EndNs != nil {
		b.lastNs = maxOf(b.lastNs, *r.EndNs)
	}
	if r.Operation == "authorize" || r.Operation == "reuse" {
		b.askedNs = minOf(b.askedNs, r.StartNs)
	}
	switch r.Operation {
	case "authorize":
		h := b.holds[r.Input.TransactionID]
		if h == nil {
			h = &hold{name: r.Input.TransactionID, index: len(b.holds)}
			b.holds[h.name] = h
			b.inOrder = append(b.inOrder, h)
		}
		h.tries = append(h.tries, r)
		if r.Outcome == acknowledged && r.Output.ID != "" {
			b.byID[r.Output.ID] = h
		}
	case "void":
		if b.voids[r.Input.Key] == nil {
			b.voidKeys = append(b.voidKeys, r.Input.Key)
		}
		b.voids[r.Input.Key] = append(b.voids[r.Input.Key], r)
	case "list":
		b.list = r
	}
}

// span is from the first try that may have done it to the first answer.
func span(tries []*record) (start, end int64, told *record) {
	start, end = never, never
	for _, r := range tries {
		if r.Outcome != refused && r.StartNs < start {
			start = r.StartNs
		}
		if r.Outcome == acknowledged && *r.EndNs < end {
			end, told = *r.EndNs, r
		}
	}
	return start, end, told
}

// addOpening: the first who asks for credit may open the account, and then get no decision, not even
// where the key or the transaction id turns out to be another request's.
func (b *book) addOpening() {
	if b.askedNs != never {
		b.plan(operation{kind: open}, b.askedNs, never, nil)
	}
}

func (b *book) addTransactions() {
	for _, h := range b.inOrder {
		start, end, told := span(h.tries)
		h.told = told
		b.checkAnswers(h)
		if start == never {
			continue // every try was refused: it did not happen
		}
		op := operation{kind: authorize, hold: h.index, amount: h.amount(), record: h.tries[0]}
		if told == nil {
			h.made = b.plan(op, start, never, nil)
			continue
		}
		op.record = told
		h.made = b.plan(op, maxOf(start, told.Output.DecidedNs), end, told.Output)
	}
}

// checkAnswers: whoever asks for a transaction, how often and by what key, is told the same; by one
// key, byte for byte; and it is news to one of them at most.
func (b *book) checkAnswers(h *hold) {
	bytes := map[string]string{}
	news := 0
	for _, r := range h.tries {
		if r.Outcome != acknowledged {
			continue
		}
		if r.Output.HTTP >= 300 {
			b.fault("%s: a decision was due (%s)", h.name, r)
			continue
		}
		if r.Output.ID != h.told.Output.ID || r.Output.Body != h.told.Output.Body {
			b.fault("%s was answered in two ways:\n  %s\n  %s", h.name, h.told, r)
		}
		if first := bytes[r.Input.Key]; first != "" && first != r.Output.Bytes {
			b.fault("%s was answered in other bytes (%s)", h.name, r)
		}
		bytes[r.Input.Key] = r.Output.Bytes
		if r.Output.Replayed != nil && !*r.Output.Replayed {
			news++
		}
	}
	if news > 1 {
		b.fault("%s was decided anew in %d answers", h.name, news)
	}
}

// addVoids: a void that was done is one operation, whatever number of tries its key had. One that
// came too late leaves nothing under its key, so each of its answers stands for itself.
func (b *book) addVoids() {
	for _, key := range b.voidKeys {
		var done, late []*record
		for _, r := range b.voids[key] {
			if r.Outcome == acknowledged && r.Output.HTTP >= 300 {
				late = append(late, r)
			} else {
				done = append(done, r)
			}
		}
		h := b.byID[b.voids[key][0].Input.ID]
		if h == nil {
			b.fault("%s voids what was never told", b.voids[key][0])
			continue
		}
		b.addVoid(h, done, late)
		for _, r := range late {
			h.see(r)
		}
	}
}

func (b *book) voidOf(h *hold, r *record) operation {
	return operation{kind: void, hold: h.index, amount: h.amount(), record: r}
}

func (b *book) addVoid(h *hold, done, late []*record) {
	start, end, told := span(done)
	if start == never {
		return
	}
	if told == nil {
		if len(late) == 0 { // else its key had an outcome: it came too late
			h.endings = append(h.endings, b.plan(b.voidOf(h, done[0]), start, never, nil))
		}
		return
	}
	if len(late) > 0 {
		b.fault("a void's key had two outcomes:\n  %s\n  %s", told, late[0])
	}
	for _, r := range done {
		if r.Outcome == acknowledged && r.Output.Bytes != told.Output.Bytes {
			b.fault("a void was answered in two ways:\n  %s\n  %s", told, r)
		}
	}
	start = maxOf(start, told.Output.EndedNs)
	h.endings = append(h.endings, b.plan(b.voidOf(h, told), start, end, told.Output))
}

// addRest: what changes nothing, or has no key; each try stands for itself.
func (b *book) addRest(records []*record) {
	for _, r := range records {
		if r.Account != b.name || r.Outcome == refused {
			continue
		}
		end, told := int64(never), (*output)(nil) // what a 504 says is no answer
		if r.Outcome == acknowledged {
			end, told = *r.EndNs, r.Output
		}
		switch {
		case r.Operation == "put":
			op := operation{kind: put, limit: r.Input.LimitMinor, status: r.Input.Status, record: r}
			b.plan(op, r.StartNs, end, told)
		case r.Outcome == unknown: // nothing was learnt, nothing was changed
		case r.Operation == "balance":
			b.plan(operation{kind: balance, record: r}, r.StartNs, end, told)
		case r.Operation == "look":
			b.addLook(r)
		case r.Operation == "reuse":
			b.checkReuse(r)
		}
	}
}

func (b *book) addLook(r *record) {
	h := b.byID[r.Input.ID]
	if h == nil {
		b.fault("an authorization of which nobody was told (%s)", r)
		return
	}
	if r.Output.HTTP < 300 && h.told.Output.Decided != r.Output.Decided {
		b.fault("a decision has changed:\n  %s\n  %s", h.told, r)
	}
	h.see(r)
}

func (b *book) checkReuse(r *record) {
	if r.Output.Code != "idempotency_key_reused" && r.Output.Code != "transaction_id_conflict" {
		b.fault("a key or a transaction id was taken twice (%s)", r)
	}
}

// checkList: in the end, everything that was answered is there, and nothing that was refused.
func (b *book) checkList() {
	if b.list == nil {
		return
	}
	listed := map[string]bool{}
	for _, name := range b.list.Output.Transactions {
		if listed[name] {
			b.fault("%s is there twice", name)
		}
		listed[name] = true
		if b.holds[name] == nil {
			b.fault("%s is there, and nobody asked for it", name)
		}
	}
	for _, h := range b.inOrder {
		start, _, told := span(h.tries)
		if listed[h.name] && start == never {
			b.fault("%s was refused, and is there (%s)", h.name, h.tries[0])
		}
		if !listed[h.name] && told != nil {
			b.fault("%s was answered, and is not there (%s)", h.name, told)
		}
	}
}

func maxOf(a, b int64) int64 {
	if a > b {
		return a
	}
	return b
}
