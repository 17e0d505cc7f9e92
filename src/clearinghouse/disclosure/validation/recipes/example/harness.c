#include "strips.h"

static volatile int sum;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sum = read_strips(data, size);
  return 0;
}
