package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// The outcomes of a try; ../README.md says what is sure of each.
const (
	acknowledged = "acknowledged"
	refused      = "refused"
	unknown      = "unknown"
)

// setting is the first line of a history: what all accounts have in common.
type setting struct {
	History            int    `json:"history"`
	AutoOpenLimitMinor *int64 `json:"auto_open_limit_minor"` // nil: unknown users are declined
}

// record is one operation of one try, as the driver wrote it.
type record struct {
	Client    int     `json:"client"`
	Account   string  `json:"account"`
	Operation string  `json:"operation"`
	Input     input   `json:"input"`
	StartNs   int64   `json:"start_ns"`
	EndNs     *int64  `json:"end_ns"`
	Outcome   string  `json:"outcome"`
	Output    *output `json:"output"`
	line      int
}

type input struct {
	Key           string  `json:"key"`
	TransactionID string  `json:"transaction_id"`
	AmountMinor   int64   `json:"amount_minor"`
	ExpiresIn     *int64  `json:"expires_in"` // seconds; nil: in days
	ID            string  `json:"id"`
	LimitMinor    *int64  `json:"limit_minor"`
	Status        *string `json:"status"`
}

// output has what the answers of all operations say; each fills its part.
type output struct {
	HTTP             int      `json:"http"`
	Code             string   `json:"code"`
	ID               string   `json:"id"`
	Status           string   `json:"status"`
	Version          int64    `json:"version"`
	ApprovedMinor    int64    `json:"approved_minor"`
	AvailableMinor   int64    `json:"available_minor"`
	CreditLimitMinor int64    `json:"credit_limit_minor"`
	HeldMinor        int64    `json:"held_minor"`
	DecidedNs        int64    `json:"decided_ns"` // at the earliest
	ExpiresNs        int64    `json:"expires_ns"`
	EndedNs          int64    `json:"ended_ns"`
	Replayed         *bool    `json:"replayed"`
	Decided          string   `json:"decided"`
	Body             string   `json:"body"`
	Bytes            string   `json:"bytes"`
	Transactions     []string `json:"transactions"`
}

func (r *record) String() string {
	said := "?"
	if r.Output != nil {
		said = r.Output.String()
	}
	return fmt.Sprintf("line %d: client %d, %s %s -> %s", r.line, r.Client, r.Operation, r.Input, said)
}

func (i input) String() string {
	said := ""
	if i.TransactionID != "" {
		said = fmt.Sprintf("%s over %d", i.TransactionID, i.AmountMinor)
	}
	if i.ID != "" {
		said = i.ID
	}
	if i.LimitMinor != nil {
		said += fmt.Sprintf(" limit %d", *i.LimitMinor)
	}
	if i.Status != nil {
		said += " " + *i.Status
	}
	return "(" + said + ")"
}

func (o *output) String() string {
	return fmt.Sprintf("%d %s%s, limit %d, held %d, available %d, version %d", o.HTTP, o.Code, o.Status,
		o.CreditLimitMinor, o.HeldMinor, o.AvailableMinor, o.Version)
}

// readHistory reads one recorded file.
func readHistory(from io.Reader) (setting, []*record, error) {
	var common setting
	var records []*record
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16*1024*1024)
	for number := 1; lines.Scan(); number++ {
		if number == 1 {
			if err := json.Unmarshal(lines.Bytes(), &common); err != nil || common.History != 1 {
				return common, nil, fmt.Errorf("line 1: not a history of format 1")
			}
			continue
		}
		one := &record{line: number}
		if err := json.Unmarshal(lines.Bytes(), one); err != nil {
			return common, nil, fmt.Errorf("line %d: %v", number, err)
		}
		if err := one.check(); err != nil {
			return common, nil, fmt.Errorf("line %d: %v", number, err)
		}
		records = append(records, one)
	}
	return common, records, lines.Err()
}

// check refuses what would be misread in silence.
func (r *record) check() error {
	switch {
	case r.Outcome != acknowledged && r.Outcome != refused && r.Outcome != unknown:
		return fmt.Errorf("no such outcome: '%s'", r.Outcome)
	case (r.EndNs == nil) != (r.Outcome == unknown):
		return fmt.Errorf("an end, and only an unknown outcome has none")
	case r.EndNs != nil && *r.EndNs < r.StartNs:
		return fmt.Errorf("it ends before it starts")
	case r.Outcome == acknowledged && r.Output == nil:
		return fmt.Errorf("acknowledged without an output")
	}
	return nil
}
