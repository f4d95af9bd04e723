/* tests/simulation/stack.h - stacks for tasks, and the memory of processes.
 *
 * Purpose:   a task runs on a stack of its own until it leaves it, and goes on there when it is
 *            entered again. A stack that is given back is left as it is: nobody unwinds it, as
 *            nobody does for a process that is killed. What it had allocated is freed with its
 *            process (malloc and the others are wrapped).
 * Units:     bytes.
 * Ownership: stacks are kept for the next task.
 * Errors:    none.
 * Threads:   one. */
#ifndef SIMULATION_STACK_H
#define SIMULATION_STACK_H

struct process;
struct stack;

struct stack *stack_take(void);
void stack_give(struct stack *stack); /* whatever runs there ends here */
void stack_set(struct stack *stack, void (*main)(void *context), void *context);
void stack_enter(struct stack *stack); /* from the scheduler; returns when it is left or ends */
void stack_leave(struct stack *stack); /* from the stack itself */

void heap_free(struct process *process);

#endif
