#include "tests/cuda_host/fiber.h"
#include "tests/cuda_host/device.h"
#include "tests/cuda_host/sanitizers.h"

#include <csignal>
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#ifndef __x86_64__
#error "the host emulation of CUDA switches stacks by instructions of x86-64"
#endif

/* Keeps what the ABI says a callee keeps, on the stack that is left. 5 ns; swapcontext asks the
 * kernel for the signal mask each time. */
extern "C" void cuda_host_switch(void **from, void *to);
asm(R"(
    .text
    .hidden cuda_host_switch
    .globl cuda_host_switch
    .type cuda_host_switch, @function
cuda_host_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuda_host_switch, . - cuda_host_switch
)");

/* ThreadSanitizer remembers of each fiber what it did last, for a report's second stack: a megabyte
 * of each unless it is told less, and a grid has thousands. */
extern "C" __attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
    return "history_size=0";
}

namespace cuda_host
{

namespace
{

enum { STACK_SIZE = 256 * 1024, GUARD_SIZE = 4096, FIBERS_MAX = 16384 };

struct host_side { /* of the thread that resumes */
    void *stack_pointer;
    const void *stack;
    size_t stack_size;
    void *tsan;
} host;

fiber *running;

struct region {
    char *at;
};
std::vector<region> &stacks = *new std::vector<region>;

void enter()
{
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(nullptr, &host.stack, &host.stack_size);
    running->entry(running->argument);
    if (__tsan_switch_to_fiber)
        __tsan_switch_to_fiber(host.tsan, 1);
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(nullptr, host.stack, host.stack_size);
    cuda_host_switch(&running->stack_pointer, host.stack_pointer);
    problem("a fiber that had ended was resumed");
}

} // namespace

fiber *fiber_new()
{
    if (stacks.size() == FIBERS_MAX)
        problem("more than %d CUDA threads are alive; make the cooperative grid smaller",
                FIBERS_MAX);
    void *memory = mmap(nullptr, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, GUARD_SIZE, PROT_NONE))
        problem("no memory for the stack of fiber %zu", stacks.size());
    stacks.push_back({ static_cast<char *>(memory) });
    fiber *f = new fiber{};
    f->stack = static_cast<char *>(memory) + GUARD_SIZE;
    if (__tsan_create_fiber)
        f->tsan = __tsan_create_fiber(0);
    return f;
}

void fiber_start(fiber *f, void (*entry)(void *), void *argument)
{
    f->entry = entry;
    f->argument = argument;
    f->fake_stack = nullptr;
    /* As if enter had been called: its return address, above it a word that makes the stack
     * misaligned by 8 as after any call, below it six registers. */
    void **top = reinterpret_cast<void **>(f->stack + STACK_SIZE);
    *--top = nullptr;
    *--top = reinterpret_cast<void *>(enter);
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    f->stack_pointer = top;
}

/* So that the handler of an overflow has where to run. A sanitizer may have made one. */
static void have_signal_stack()
{
    static thread_local bool is_there;
    stack_t now;
    if (is_there)
        return;
    is_there = true;
    sigaltstack(nullptr, &now);
    if (!(now.ss_flags & SS_DISABLE))
        return;
    static thread_local char memory[1 << 16];
    now = { memory, 0, sizeof memory };
    sigaltstack(&now, nullptr);
}

void fiber_resume(fiber *f)
{
    void *fake_stack = nullptr;
    running = f;
    have_signal_stack();
    if (__tsan_switch_to_fiber) {
        host.tsan = __tsan_get_current_fiber();
        __tsan_switch_to_fiber(f->tsan, 1);
    }
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&fake_stack, f->stack, STACK_SIZE);
    cuda_host_switch(&host.stack_pointer, f->stack_pointer);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

void fiber_suspend()
{
    fiber *f = running;
    if (__tsan_switch_to_fiber)
        __tsan_switch_to_fiber(host.tsan, 1);
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&f->fake_stack, host.stack, host.stack_size);
    cuda_host_switch(&f->stack_pointer, host.stack_pointer);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(f->fake_stack, &host.stack, &host.stack_size);
}

bool fiber_guards(const void *address)
{
    for (const region &stack : stacks)
        if (address >= stack.at && address < stack.at + GUARD_SIZE)
            return true;
    return false;
}

} // namespace cuda_host
