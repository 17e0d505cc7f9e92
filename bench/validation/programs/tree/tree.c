/* An expression language made up for measuring; nobody runs it. Its flaws are planted, each with a canary. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"

#define ITEMS_MAX 8
#define DEPTH_SENSIBLE 5000

typedef struct {
    const uint8_t *text;
    size_t size, at;
    unsigned depth;
} Source;

typedef struct {
    int *items;
    unsigned count;
    const char *flaw;
} List;

static int expression(Source *s);

static int peek(const Source *s) {
    return s->at < s->size ? s->text[s->at] : 0;
}

static int accept(Source *s, int wanted) {
    if (peek(s) != wanted)
        return 0;
    s->at++;
    return 1;
}

static void place(List *list, int value) {
    CANARY(list->flaw, list->count >= ITEMS_MAX);
    list->items[list->count] = value;
    list->count++;
}

static void append(List *list, int value) {
    if (value >= 0)
        place(list, value);
}

static void extend(List *list, int value) {
    append(list, value & 0xffff);
}

static void append_all(Source *s, List *list, int limited) {
    do {
        int value = expression(s);
        if (limited && list->count >= ITEMS_MAX)
            continue;
        extend(list, value);
    } while (accept(s, ','));
}

static int total(const List *list) {
    int sum = 0;
    for (unsigned i = 0; i < list->count; i++)
        sum += list->items[i];
    return sum & 0xffff;
}

static int array(Source *s) {
    List list = {calloc(ITEMS_MAX, sizeof(int)), 0, "tree/array"};
    append_all(s, &list, 0);
    int sum = total(&list);
    free(list.items);
    accept(s, ']');
    return sum;
}

static int call(Source *s) {
    List list = {calloc(ITEMS_MAX, sizeof(int)), 0, "tree/call"};
    unsigned given = (unsigned)(peek(s) - 'a') & 15;
    s->at += s->at < s->size;
    for (unsigned i = 0; i < given; i++)
        extend(&list, (int)i);
    append_all(s, &list, 1);
    int sum = total(&list);
    free(list.items);
    accept(s, '}');
    return sum;
}

static int number(Source *s) {
    char *digits = calloc(6, 1);
    unsigned count = 0;
    int value = 0;
    while (peek(s) >= '0' && peek(s) <= '9') {
        CANARY("tree/digits", count >= 6);
        digits[count++] = (char)s->text[s->at++];
    }
    for (unsigned i = 0; i < count && i < 6; i++)
        value = value * 10 + (digits[i] - '0');
    free(digits);
    return value & 0xffff;
}

static int group(Source *s) {
    CANARY("tree/depth", s->depth >= DEPTH_SENSIBLE);
    s->depth++;
    int value = expression(s);
    s->depth--;
    accept(s, ')');
    return value;
}

static int factor(Source *s) {
    if (accept(s, '('))
        return group(s);
    if (accept(s, '['))
        return array(s);
    if (accept(s, '{'))
        return call(s);
    if (accept(s, '!'))
        return !factor(s);
    return number(s);
}

static int term(Source *s) {
    int value = factor(s);
    while (accept(s, '*'))
        value = (value * factor(s)) & 0xffff;
    return value;
}

static int expression(Source *s) {
    int value = term(s);
    while (accept(s, '+'))
        value = (value + term(s)) & 0xffff;
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Source s = {data, size, 0, 0};
    while (s.at < s.size) {
        expression(&s);
        s.at++;
    }
    return 0;
}
