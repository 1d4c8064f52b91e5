/* Fibers: stacks of their own that run on whatever host thread resumes them, one at a time. */
#ifndef CUDA_HOST_FIBER_H
#define CUDA_HOST_FIBER_H

#include <cstddef>

namespace cuda_host
{

struct fiber {
    char *stack;           /* its lowest usable byte */
    void *stack_pointer;   /* while it does not run */
    void (*entry)(void *); /* what it does next, */
    void *argument;        /* on this; the fiber can be started again when that returns */
    void *fake_stack;      /* AddressSanitizer's */
    void *tsan;            /* ThreadSanitizer's context, NULL without it */
};

fiber *fiber_new();
void fiber_start(fiber *f, void (*entry)(void *), void *argument); /* does not run it yet */
void fiber_resume(fiber *f);            /* until it suspends or returns; not from a fiber */
void fiber_suspend();                   /* from a fiber */
bool fiber_guards(const void *address); /* whether a stack overflow touches it */

} // namespace cuda_host

#endif
