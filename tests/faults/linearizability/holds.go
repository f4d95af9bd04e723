package main

// What was seen of single holds. A look at a hold, or a void that came too late, tells of no other
// hold and not of the account; so it needs no place in the search. It says that the hold had begun, or
// had ended, by then or not yet, and so narrows the time in which it was begun or ended.

// hold is one transaction of an account.
type hold struct {
	name    string // its transaction id
	index   int
	tries   []*record
	told    *record  // the first answer
	made    *planned // nil: every try was refused
	endings []*planned
	sights  []sight
}

// sight is an answer that tells how a hold stood at one moment of it.
type sight struct {
	status string // "" where there was none
	record *record
}

func (h *hold) amount() int64 { return h.tries[0].Input.AmountMinor }

func (h *hold) isApproved() bool { return h.told != nil && h.told.Output.ApprovedMinor > 0 }

func (h *hold) see(r *record) {
	seen := sight{r.Output.Status, r}
	switch r.Output.Code {
	case "already_voided":
		seen.status = "voided"
	case "authorization_expired":
		seen.status = "expired"
	case "invalid_state":
		seen.status = "declined"
		if h.isApproved() {
			seen.status = "reversed"
		}
	}
	h.sights = append(h.sights, seen)
}

// expiresNs is not before this; where no answer tells, what was asked does.
func (h *hold) expiresNs() int64 {
	switch {
	case h.told != nil:
		return h.told.Output.ExpiresNs
	case h.tries[0].Input.ExpiresIn != nil:
		return h.made.call + *h.tries[0].Input.ExpiresIn*1000000000
	}
	return never
}

// first is the earliest answer that tells of a status.
func (h *hold) first(status string) *record {
	var found *record
	for _, seen := range h.sights {
		if seen.status == status && (found == nil || *seen.record.EndNs < *found.EndNs) {
			found = seen.record
		}
	}
	return found
}

// addEnds: a hold expires after its time, or is reversed when its booking was refused. Where somebody
// saw it, that is sure; else it may have expired or not.
func (b *book) addEnds() {
	for _, h := range b.inOrder {
		if h.made == nil || (h.told != nil && !h.isApproved()) {
			continue
		}
		op := operation{kind: end, hold: h.index, amount: h.amount(), ends: holdExpired}
		call := h.expiresNs()
		if seen := h.first("expired"); seen != nil {
			op.sure = true
			b.addSureEnd(h, op, call, seen)
		} else if seen := h.first("reversed"); seen != nil {
			op.sure, op.ends = true, holdReversed
			b.addSureEnd(h, op, h.made.call, seen)
		} else if call < b.lastNs && !h.isVoided() {
			h.endings = append(h.endings, b.plan(op, call, never, nil))
		}
	}
}

// addSureEnd: the answers say when it happened, and that is a promise too.
func (b *book) addSureEnd(h *hold, op operation, call int64, seen *record) {
	for _, one := range h.sights {
		at := one.record.Output.EndedNs
		if at != 0 && at < call {
			b.fault("%s ended before its time (%s)", h.name, one.record)
		}
		call = maxOf(call, at)
	}
	h.endings = append(h.endings, b.plan(op, call, *seen.EndNs, nil))
}

// isVoided: a void was answered so.
func (h *hold) isVoided() bool {
	for _, one := range h.endings {
		if one.told != nil {
			return true
		}
	}
	return false
}

// narrow puts what was seen into the times of the operations.
func (b *book) narrow() {
	for _, h := range b.inOrder {
		if h.made == nil {
			continue
		}
		for _, seen := range h.sights {
			b.narrowBy(h, seen)
		}
		for _, one := range append([]*planned{h.made}, h.endings...) {
			if one.call > one.end {
				b.fault("%s was seen in states that do not follow each other", h.name)
				one.end = one.call // the search is about the rest
			}
		}
	}
}

func (b *book) narrowBy(h *hold, seen sight) {
	start, end := seen.record.StartNs, *seen.record.EndNs
	if seen.status == "" {
		h.made.call = maxOf(h.made.call, start)
		return
	}
	h.made.end = minOf(h.made.end, end)
	isDeclined := h.told != nil && !h.isApproved()
	if isDeclined != (seen.status == "declined") {
		b.fault("%s was decided otherwise (%s)", h.name, seen.record)
		return
	}
	switch seen.status {
	case "approved":
		for _, one := range h.endings {
			one.call = maxOf(one.call, start)
		}
	case "voided", "expired", "reversed":
		b.narrowEnding(h, seen)
	}
	b.checkVersion(h, seen.record)
}

// narrowEnding: one operation must have led to what was seen. Of several voids that nobody answered
// it is not known which.
func (b *book) narrowEnding(h *hold, seen sight) {
	var fitting []*planned
	for _, one := range h.endings {
		if one.leadsTo() == seen.status {
			fitting = append(fitting, one)
		}
	}
	if len(fitting) == 0 {
		b.fault("%s ended otherwise (%s)", h.name, seen.record)
	}
	if len(fitting) == 1 {
		fitting[0].end = minOf(fitting[0].end, *seen.record.EndNs)
	}
}

func (p *planned) leadsTo() string {
	if p.kind == void {
		return "voided"
	}
	return map[byte]string{holdExpired: "expired", holdReversed: "reversed"}[p.ends]
}

// checkVersion: a hold changes once at most. Voids that came too late tell no version.
func (b *book) checkVersion(h *hold, r *record) {
	version := int64(2)
	if r.Output.Status == "approved" || r.Output.Status == "declined" {
		version = 1
	}
	if r.Output.HTTP < 300 && r.Output.Version != version {
		b.fault("%s has a version that it cannot have (%s)", h.name, r)
	}
}

func minOf(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
