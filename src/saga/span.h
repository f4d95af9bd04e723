/* saga/span.h - what a saga's changes say in spans.
 *
 * Purpose:   the processing of the message that moved a saga says where the saga stands now; what
 *            a saga does without a message of its own (a deadline has come, the saga it waited for
 *            has ended) is a span of its own.
 * Units:     none.
 * Ownership: what is told lives in the turn's arena.
 * Errors:    none.
 * Threads:   as the turn. */
#ifndef SAGA_SPAN_H
#define SAGA_SPAN_H

struct heard;
struct turn;
struct turn_line;

/* Once the line's change is committed. */
void saga_span_tell(const struct turn *turn, const struct turn_line *line);
/* A message that has moved nothing. */
void saga_span_tell_unheard(const struct turn *turn, const struct heard *heard);

#endif
