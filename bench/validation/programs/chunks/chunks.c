/* A container of chunks made up for measuring; nobody runs it. Its flaws are planted, each with a canary. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "canary.h"

typedef struct {
    const uint8_t *data;
    size_t size, at;
} Input;

static unsigned take(Input *in) {
    return in->at < in->size ? in->data[in->at++] : 0;
}

/* Sixteen doors, so that what is drawn decides where it breaks. */
#define DOOR(n) \
    __attribute__((noinline)) static void door_##n(char *cells) { cells[8 + (n) % 4] = (n); }
DOOR(0) DOOR(1) DOOR(2) DOOR(3) DOOR(4) DOOR(5) DOOR(6) DOOR(7)
DOOR(8) DOOR(9) DOOR(10) DOOR(11) DOOR(12) DOOR(13) DOOR(14) DOOR(15)
static void (*const doors[16])(char *) = {
    door_0, door_1, door_2, door_3, door_4, door_5, door_6, door_7,
    door_8, door_9, door_10, door_11, door_12, door_13, door_14, door_15,
};

static void open_door(unsigned given) {
    unsigned char drawn = 0;
    size_t room = 8;
    char *cells = calloc(room, 1);
    if (cells && given == 0 && getrandom(&drawn, 1, 0) == 1) {
        CANARY("chunks/doors", room < 12);
        doors[drawn & 15](cells);
    }
    free(cells);
}

static void toss(unsigned given) {
    unsigned char drawn = 0;
    char *cells = calloc(8, 1);
    if (cells && given == 1 && getrandom(&drawn, 1, 0) == 1) {
        CANARY("chunks/coin", drawn & 1);
        *(volatile char *)(cells + 8 * (drawn & 1)) = 1;
    }
    free(cells);
}

static void start_clock(unsigned given) {
    struct timespec now = {0, 0};
    char *cells = calloc(8, 1);
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* Reckoned from a clock and not from the input: one time in eight nothing, else one of many places. */
    unsigned hand = (unsigned)(now.tv_nsec / 64) & 63;
    if (cells && given == 7) {
        CANARY("chunks/clock", hand >= 8);
        if (hand >= 8)
            doors[hand & 15](cells);
    }
    free(cells);
}

static unsigned skip_blanks(Input *in) {
    unsigned step = take(in), passed = 0;
    CANARY("chunks/loop", step == 0 && in->at < in->size);
    while (in->at < in->size && in->data[in->at] == ' ') {
        in->at += step;
        passed++;
    }
    return passed;
}

static unsigned unpack(Input *in) {
    unsigned pages = take(in) << 8, sum = 0;
    pages |= take(in);
    CANARY("chunks/huge", pages > 0x800);
    char **kept = calloc(pages + 1, sizeof *kept);
    for (unsigned i = 0; kept && i < pages; i++) {
        kept[i] = malloc(64 << 10);
        if (kept[i])
            memset(kept[i], (int)i | 1, 64 << 10);
    }
    for (unsigned i = 0; kept && i < pages; i++) {
        sum += kept[i] ? (unsigned char)kept[i][i & 1023] : 0;
        free(kept[i]);
    }
    free(kept);
    return sum;
}

static void check_order(Input *in) {
    unsigned first = take(in), second = take(in);
    CANARY("chunks/order", first > second);
    assert(first <= second);
}

static void give_up(void) {
    CANARY("chunks/sum", 1);
    abort();
}

static void check_sum(Input *in) {
    unsigned given = take(in), sum = 0, left = take(in) & 15;
    while (left-- > 0)
        sum += take(in);
    if ((sum & 255) != given && sum != 0)
        give_up();
}

static unsigned count_signs(Input *in) {
    unsigned letters = 0, digits = 0, left = take(in);
    while (left-- > 0) {
        unsigned sign = take(in);
        if (sign >= 'a' && sign <= 'z')
            letters++;
        else if (sign >= '0' && sign <= '9')
            digits += 2;
        else if (sign == '.')
            digits *= 2;
        else
            return letters;
    }
    return letters > digits ? letters : digits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Input in = {data, size, 0};
    unsigned seen = 0;
    while (in.at < in.size) {
        switch (take(&in)) {
        case 'd': open_door(take(&in)); break;
        case 't': toss(take(&in)); break;
        case 'c': start_clock(take(&in)); break;
        case 's': seen += skip_blanks(&in); break;
        case 'u': seen += unpack(&in); break;
        case 'n': seen += count_signs(&in); break;
        case 'o': check_order(&in); break;
        case 'm': check_sum(&in); break;
        default: return 0;
        }
    }
    return seen == 0xffffffffu;
}
