/* The interfaces of the sanitizers' run-time libraries that fibers and device memory need. Weak: in
 * a build without the sanitizer the function is NULL, so there is one source for all builds. The
 * emulation itself is built without -fsanitize=thread: what it does is the hardware's doing. */
#ifndef CUDA_HOST_SANITIZERS_H
#define CUDA_HOST_SANITIZERS_H

#include <cstddef>

extern "C" {
#define WEAK __attribute__((weak))
void __sanitizer_start_switch_fiber(void **fake_stack, const void *bottom, size_t size) WEAK;
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **bottom, size_t *size) WEAK;
void __asan_poison_memory_region(const volatile void *at, size_t size) WEAK;
void __asan_unpoison_memory_region(const volatile void *at, size_t size) WEAK;
void __msan_poison(const volatile void *at, size_t size) WEAK;
void __msan_unpoison(const volatile void *at, size_t size) WEAK;
void *__tsan_get_current_fiber(void) WEAK;
void *__tsan_create_fiber(unsigned flags) WEAK;
void __tsan_switch_to_fiber(void *fiber, unsigned flags) WEAK; /* 1: without synchronising */
void __tsan_acquire(void *at) WEAK;
void __tsan_release(void *at) WEAK;
void __tsan_read_range(void *at, unsigned long size) WEAK;
void __tsan_write_range(void *at, unsigned long size) WEAK;
void AnnotateIgnoreReadsBegin(const char *file, int line) WEAK; /* of this thread, */
void AnnotateIgnoreReadsEnd(const char *file, int line) WEAK;   /* by ThreadSanitizer */
void AnnotateIgnoreWritesBegin(const char *file, int line) WEAK;
void AnnotateIgnoreWritesEnd(const char *file, int line) WEAK;
#undef WEAK
}

#endif
