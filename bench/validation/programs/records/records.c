/* Tagged records made up for measuring; nobody runs it. Its flaws are planted, each with a canary. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"

#define LINKS_MAX 12

typedef struct {
    const uint8_t *data;
    size_t size, at;
} Input;

typedef struct {
    unsigned *links, count, kept, seen;
} Book;

static unsigned take(Input *in) {
    return in->at < in->size ? in->data[in->at++] : 0;
}

static unsigned keep(Book *book, const char *name, unsigned name_size, const char *value, unsigned value_size) {
    unsigned sum = 0;
    for (unsigned i = 0; i < name_size; i++)
        sum = sum * 31 + (unsigned char)name[i];
    for (unsigned i = 0; i < value_size; i++)
        sum ^= (unsigned char)value[i];
    return book->kept += sum;
}

static void read_pair(Input *in, Book *book) {
    char name[12] = {0}, value[16] = {0};
    unsigned name_size = take(in) & 31, value_size;
    for (unsigned i = 0; i < name_size; i++) {
        unsigned letter = take(in);
        CANARY("records/name", i >= sizeof name);
        name[i] = (char)letter;
    }
    value_size = take(in) & 31;
    for (unsigned i = 0; i < value_size; i++) {
        unsigned letter = take(in);
        CANARY("records/value", i >= sizeof value);
        value[i] = (char)letter;
    }
    keep(book, name, sizeof name, value, sizeof value);
}

static unsigned load(const Book *book, unsigned index) {
    return book->links[index];
}

static unsigned follow(Book *book, unsigned index, unsigned steps) {
    CANARY("records/link", index >= LINKS_MAX);
    unsigned next = load(book, index);
    return steps == 0 ? next : follow(book, next, steps - 1);
}

static void read_link(Input *in, Book *book) {
    if (book->count < LINKS_MAX)
        book->links[book->count++] = take(in);
}

static void read_jump(Input *in, Book *book) {
    unsigned index = take(in) % LINKS_MAX, steps = take(in) & 7;
    book->seen += follow(book, index, steps);
}

static unsigned tally(Input *in) {
    unsigned classes[16] = {0}, past[256] = {0}, left = take(in), total = 0;
    while (left-- > 0) {
        unsigned class = take(in) & 127;
        CANARY("records/far", class >= 16);
        past[left & 255] = class;
        classes[class]++;
    }
    for (unsigned i = 0; i < 256; i++)
        total += past[i] * classes[i & 15];
    return total;
}

static void read_records(Input *in, Book *book) {
    while (in->at < in->size) {
        switch (take(in)) {
        case 'P': read_pair(in, book); break;
        case 'L': read_link(in, book); break;
        case 'J': read_jump(in, book); break;
        case 'T': book->seen += tally(in); break;
        default: return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Input in = {data, size, 0};
    Book book = {calloc(LINKS_MAX, sizeof(unsigned)), 0, 0, 0};
    if (book.links)
        read_records(&in, &book);
    free(book.links);
    return 0;
}
