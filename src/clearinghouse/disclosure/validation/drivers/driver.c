/* The bench's main function for code with LLVMFuzzerTestOneInput. Read by C and C++ compilers alike.
 *
 *     harness FILE...      hand each file to the code under test, then say that the end was reached
 *     harness --canary     write past an allocation: a build that notices crashes notices this one
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__clang__)
#define UNTRACED __attribute__((no_sanitize("coverage")))
#else
#define UNTRACED
#endif

#ifdef __cplusplus
extern "C" {
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long edges_reached;
static int edges_counted;

/* SanitizerCoverage, trace-pc-guard: each edge has a guard, which is put out when the edge is reached first. */
UNTRACED void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop) {
  edges_counted = 1;
  if (start == stop || *start) return;
  for (uint32_t *each = start; each < stop; each++) *each = 1;
}

UNTRACED void __sanitizer_cov_trace_pc_guard(uint32_t *guard) {
  if (!*guard) return;
  *guard = 0;
  edges_reached++;
}

/* One mistake for each sanitizer: a sum too large, a branch on what was never set, a write past an allocation. */
UNTRACED __attribute__((noinline)) int clearinghouse_canary(int count) {
  volatile int large = 2147483647;
  volatile int *unset = (volatile int *)malloc(sizeof(int));
  volatile char *eight = (volatile char *)malloc(8);
  if (!unset || !eight) return 1;
  large += count;
  if (*unset == 7) large = 0;
  eight[8] = 1;
  return (eight[8] + large) & 0;
}

UNTRACED static int hand_over(const char *path) {
  FILE *file = fopen(path, "rb");
  long size;
  uint8_t *data;
  if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET)) return 1;
  /* As large as the input and no larger, so that reading past it is noticed. */
  data = (uint8_t *)malloc(size ? (size_t)size : 1);
  if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) return 1;
  fclose(file);
  LLVMFuzzerTestOneInput(data, (size_t)size);
  free(data);
  return 0;
}

UNTRACED int main(int count, char **words) {
  const char *word = getenv("CLEARINGHOUSE_WORD");
  if (count == 2 && !strcmp(words[1], "--canary")) {
    return clearinghouse_canary(count);
  }
  for (int at = 1; at < count; at++) {
    if (hand_over(words[at])) {
      fprintf(stderr, "CLEARINGHOUSE NO INPUT\n");
      return 3;
    }
  }
  fflush(stderr);
  printf("\nCLEARINGHOUSE END %s edges=%ld\n", word ? word : "", edges_counted ? (long)edges_reached : -1L);
  fflush(stdout);
  return 0;
}

#ifdef __cplusplus
}
#endif
