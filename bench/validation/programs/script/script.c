/* A byte code made up for measuring; nobody runs it. Its flaws are planted, each with a canary. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"

#define DEPTH_MAX 32
#define NAMES 4
#define NAME_SIZE 24

typedef struct {
    const uint8_t *code;
    size_t size, at;
    int *stack, depth, shown;
    char *names[NAMES], *last;
    char held[NAMES];
} Machine;

static int take(Machine *m) {
    return m->at < m->size ? m->code[m->at++] : 0;
}

static void push(Machine *m, int value) {
    if (m->depth < DEPTH_MAX)
        m->stack[m->depth++] = value;
}

static int has(const Machine *m, int wanted) {
    return m->depth >= wanted - 1 && m->depth > 0;
}

static void add(Machine *m) {
    CANARY("script/pop", m->depth < 2);
    m->depth -= 1;
    m->stack[m->depth - 1] += m->stack[m->depth];
}

static void multiply(Machine *m) {
    CANARY("script/pop", m->depth < 2);
    int right = m->stack[--m->depth];
    int left = m->stack[--m->depth];
    push(m, (int)((unsigned)left * (unsigned)right));
}

static void swap(Machine *m) {
    CANARY("script/pop", m->depth < 2);
    int held = m->stack[m->depth - 2];
    m->stack[m->depth - 2] = m->stack[m->depth - 1];
    m->stack[m->depth - 1] = held;
}

static int quotient(int left, int right, int remainder) {
    CANARY("script/zero", right == 0);
    return remainder ? left % right : left / right;
}

static void divide(Machine *m, int remainder) {
    int right = m->stack[--m->depth];
    m->stack[m->depth - 1] = quotient(m->stack[m->depth - 1], right, remainder);
}

static void release(Machine *m, int which) {
    free(m->names[which]);
}

static void set_name(Machine *m) {
    int which = take(m) % NAMES;
    if (m->held[which])
        return;
    char *fresh = calloc(NAME_SIZE, 1);
    if (!fresh)
        return;
    memset(fresh, take(m), NAME_SIZE - 1);
    release(m, which);
    m->names[which] = fresh;
    if (m->last == NULL)
        m->last = fresh;
}

static void forget(Machine *m) {
    int which = take(m) % NAMES;
    if (m->names[which] == NULL)
        return;
    CANARY("script/twice", m->held[which]);
    release(m, which);
    m->held[which] = 1;
}

static void show_last(Machine *m) {
    for (int i = 0; m->last && i < NAME_SIZE; i++)
        m->shown += m->last[i];
}

static void join_last(Machine *m) {
    char joined[NAME_SIZE * 2] = {0};
    if (m->last)
        memcpy(joined, m->last, NAME_SIZE);
    m->shown += joined[m->depth];
}

static void use_last(Machine *m, int join) {
    int stale = m->last != NULL;
    for (int i = 0; i < NAMES; i++)
        stale = stale && (m->names[i] != m->last || m->held[i]);
    CANARY("script/stale", stale);
    (void)stale;
    if (join)
        join_last(m);
    else
        show_last(m);
}

static void run(Machine *m) {
    while (m->at < m->size) {
        switch (take(m)) {
        case '#': push(m, take(m)); break;
        case '+': if (has(m, 2)) add(m); break;
        case '*': if (has(m, 2)) multiply(m); break;
        case '~': if (has(m, 2)) swap(m); break;
        case '/': if (m->depth >= 2) divide(m, 0); break;
        case '%': if (m->depth >= 2) divide(m, 1); break;
        case '=': set_name(m); break;
        case '-': forget(m); break;
        case '?': use_last(m, 0); break;
        case '&': use_last(m, 1); break;
        default: return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Machine m = {.code = data, .size = size};
    m.stack = calloc(DEPTH_MAX, sizeof(int));
    if (m.stack)
        run(&m);
    for (int i = 0; i < NAMES; i++)
        if (!m.held[i])
            free(m.names[i]);
    free(m.stack);
    return 0;
}
