/* The shared memory of one block: pieces between guarded bytes. */
#ifndef CUDA_HOST_SHARED_H
#define CUDA_HOST_SHARED_H

#include <cstddef>
#include <vector>

namespace cuda_host
{

class shared_memory
{
  public:
    void begin(size_t launched); /* a block whose launch asked for so many bytes */
    /* The index-th piece, of the same size for every thread. counted: of what was launched. */
    void *piece(size_t index, size_t bytes, size_t counted);
    void check() const; /* that nothing was written between the pieces */

  private:
    struct part {
        char *at;
        size_t bytes;
    };
    char *memory = nullptr;
    size_t launched = 0, counted_so_far = 0, used = 0;
    std::vector<part> parts;
};

} // namespace cuda_host

#endif
