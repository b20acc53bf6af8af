/* SPDX-License-Identifier: Apache-2.0 */
/* Ends with 0xC0000005, as programs do. */
int main(void)
{
    *(volatile int *)0 = 1;
    return 0;
}
