#include <stdio.h>

int main(void)
{
    return puts("hello from zig") < 0;
}
