/* A made-up reader of made-up strips, with one planted flaw: the count is believed. Nobody runs it. */
#include "strips.h"

static int read_strip(const uint8_t *data, size_t size) {
  int total = 0;
  uint8_t count = data[1];
  (void)size;
  for (int at = 0; at < count; at++) total += data[2 + at];
  return total;
}

int read_strips(const uint8_t *data, size_t size) {
  if (size < 2 || data[0] != 'S') return -1;
  return read_strip(data, size);
}
