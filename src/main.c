/* tallystick <command>: one executable; every service and every tool is a command of it. */
#include <stdio.h>

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("tallystick %s\n", TALLYSTICK_VERSION);
    return 0;
}
