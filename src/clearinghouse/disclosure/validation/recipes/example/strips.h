#include <stddef.h>
#include <stdint.h>

int read_strips(const uint8_t *data, size_t size);
