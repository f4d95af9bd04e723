#include "../oracle.h"
#include "base/problem.h"

int __real_problem_status(enum problem_code code);
int __wrap_problem_status(enum problem_code code);
struct text __real_problem_write(struct arena *arena, const struct problem *problem);
struct text __wrap_problem_write(struct arena *arena, const struct problem *problem);

int __wrap_problem_status(enum problem_code code)
{
    const bool is_meant = fuzz_lie() == 1 && code == PROBLEM_NOT_FOUND;
    return is_meant ? 500 : __real_problem_status(code);
}

struct text __wrap_problem_write(struct arena *arena, const struct problem *problem)
{
    struct text body = __real_problem_write(arena, problem);
    if (fuzz_lie() == 2)
        body.size--; /* the last brace */
    return body;
}
