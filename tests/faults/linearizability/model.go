package main

import "fmt"

// The model: one account with a credit limit, one operation after the other. It says what each
// operation answers in each state, from the promises alone; it shares no code with what it checks.

type kind int

const (
	authorize kind = iota
	void
	put
	balance
	open // of an account on first sight, which shows before the decision that it was opened for
	end  // of a hold by its time, or by a booking that was refused; nobody asks for it
)

// operation is what the model is given; `hold` counts the account's transactions.
type operation struct {
	kind   kind
	hold   int
	amount int64
	limit  *int64
	status *string
	ends   byte    // end: the state it leads to
	sure   bool    // end: it was seen
	record *record // nil: nobody asked
}

// The states of a hold.
const (
	holdNone     = '.' // not decided yet
	holdDeclined = 'd'
	holdOpen     = 'h'
	holdVoided   = 'v'
	holdExpired  = 'e'
	holdReversed = 'r'
)

// account is the state; a value, so that equal states compare equal.
type account struct {
	version     int64 // 0: there is none; counts changes of limit and status
	status      string
	limit, held int64
	holds       string // a state for each transaction of the history
}

func (a account) withHold(at int, state byte) account {
	holds := []byte(a.holds)
	holds[at] = state
	a.holds = string(holds)
	return a
}

func (a account) String() string {
	return fmt.Sprintf("%s, version %d, limit %d, held %d, available %d", a.status, a.version, a.limit,
		a.held, a.limit-a.held)
}

// step is true where `op` may be answered by `told` in the state `a`; nil: the answer is not known.
func (common setting) step(a account, op *operation, told *output) (bool, account) {
	switch op.kind {
	case authorize:
		return common.authorize(a, op, told)
	case void:
		return stepVoid(a, op, told)
	case put:
		return stepPut(a, op, told)
	case balance:
		return told == nil || tellsBalance(a, told), a
	case open:
		return true, common.seen(a)
	case end:
		return stepEnd(a, op)
	}
	panic("no such operation")
}

func (common setting) authorize(a account, op *operation, told *output) (bool, account) {
	a = common.seen(a)
	code := decide(a, op.amount)
	next, approved := a.withHold(op.hold, holdDeclined), int64(0)
	if code == "approved" {
		next, approved = a.withHold(op.hold, holdOpen), op.amount
		next.held += op.amount
	}
	if told == nil {
		return true, next
	}
	return told.Code == code && told.ApprovedMinor == approved &&
		told.AvailableMinor == next.limit-next.held, next
}

// seen opens an account that asks for credit and was not seen before.
func (common setting) seen(a account) account {
	if a.version == 0 && common.AutoOpenLimitMinor != nil {
		a.version, a.status, a.limit = 1, "open", *common.AutoOpenLimitMinor
	}
	return a
}

// decide gives the first failing check in order of precedence.
func decide(a account, amount int64) string {
	switch {
	case a.version == 0:
		return "account_not_found"
	case a.status == "closed":
		return "account_closed"
	case a.status == "frozen":
		return "account_frozen"
	case amount > a.limit-a.held:
		return "credit_limit_exceeded"
	}
	return "approved"
}

// stepVoid: one that came too late is no operation, see holds.go.
func stepVoid(a account, op *operation, told *output) (bool, account) {
	if a.holds[op.hold] != holdOpen {
		return told == nil, a
	}
	next := a.withHold(op.hold, holdVoided)
	next.held -= op.amount
	return told == nil || (told.HTTP == 200 && told.Status == "voided" && told.Version == 2), next
}

func stepPut(a account, op *operation, told *output) (bool, account) {
	if a.version == 0 && op.limit == nil {
		return told == nil || told.Code == "validation_failed", a
	}
	if a.status == "closed" {
		return told == nil || told.Code == "invalid_state", a
	}
	next := a
	if a.version == 0 {
		next.status = "open"
	}
	if op.limit != nil {
		next.limit = *op.limit
	}
	if op.status != nil {
		next.status = *op.status
	}
	if next != a {
		next.version++
	}
	return told == nil || (told.HTTP < 300 && told.CreditLimitMinor == next.limit &&
		told.HeldMinor == next.held && told.Status == next.status && told.Version == next.version), next
}

func tellsBalance(a account, told *output) bool {
	if a.version == 0 {
		return told.Code == "not_found"
	}
	return told.HTTP == 200 && told.CreditLimitMinor == a.limit && told.HeldMinor == a.held &&
		told.AvailableMinor == a.limit-a.held
}

func stepEnd(a account, op *operation) (bool, account) {
	if a.holds[op.hold] != holdOpen {
		return !op.sure, a
	}
	next := a.withHold(op.hold, op.ends)
	next.held -= op.amount
	return true, next
}
