/* load - drives an HTTP door and measures it; README.md tells how to use it. */
#include "load/report.h"

#include <signal.h>

int main(int argc, char **argv)
{
    static struct options options;
    static struct result result;
    signal(SIGPIPE, SIG_IGN);
    options_read(&options, argc, argv);
    run_load(&options, &result);
    report_print(&options, &result);
    return result.failed > 0 || result.unanswered > 0 ? 1 : 0;
}
