/* A picture format made up for measuring; nobody runs it. Its flaws are planted, each with a canary. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"

#define PATH_MAX_DEPTH 8

typedef struct {
    const uint8_t *data;
    size_t size, at;
} Input;

typedef struct {
    unsigned width, height, stride, total;
    size_t room;
    uint8_t *cells, *path;
} Picture;

static unsigned take(Input *in) {
    return in->at < in->size ? in->data[in->at++] : 0;
}

static void store(uint8_t *row, unsigned at, uint8_t value) {
    row[at] = value;
}

static void put_run(Picture *p, unsigned row, unsigned from, unsigned count, uint8_t value) {
    uint8_t *start = p->cells + row * p->stride;
    for (unsigned i = 0; i < count; i++)
        store(start, from + i, value);
}

static void emit_row(Picture *p, unsigned row, unsigned from, unsigned count, uint8_t value) {
    if (value != 0)
        put_run(p, row, from, count, value);
}

static void fill_block(Input *in, Picture *p) {
    unsigned row = take(in) % p->height, from = take(in) % p->width, count = take(in);
    CANARY("tiles/run", from + count > p->width && row * p->stride + from + count > p->room);
    CANARY("tiles/stride", from + count <= p->width && row * p->stride + from + count > p->room);
    emit_row(p, row, from, count, (uint8_t)take(in));
}

static void fill_text(Input *in, Picture *p) {
    unsigned row = take(in) % p->height, from = take(in) % p->width;
    from += take(in);
    CANARY("tiles/shift", from >= p->width && row * p->stride + from >= p->room);
    emit_row(p, row, from, 1, (uint8_t)take(in));
}

static void flip_row(Picture *p, unsigned row) {
    uint8_t *start = p->cells + row * p->stride;
    unsigned width = p->width;
    CANARY("tiles/stride", row * p->stride + width > p->room);
    for (unsigned i = 0; i < width; i++)
        start[i] = (uint8_t)~start[i];
}

static void sum_row(Picture *p, unsigned row) {
    const uint8_t *start = p->cells + row * p->stride;
    unsigned width = p->width;
    CANARY("tiles/stride", row * p->stride + width > p->room);
    for (unsigned i = 0; i < width; i++)
        p->total += start[i];
}

static void blend_row(Picture *p, unsigned row) {
    const uint8_t *start = p->cells + row * p->stride;
    unsigned width = p->width;
    CANARY("tiles/stride", row * p->stride + width > p->room);
    for (unsigned i = width; i > 0; i--)
        p->total ^= start[i - 1];
}

static void whole_picture(Picture *p, unsigned how) {
    for (unsigned row = 0; row < p->height; row++) {
        if (how == 3)
            flip_row(p, row);
        else if (how == 4)
            sum_row(p, row);
        else
            blend_row(p, row);
    }
}

static void parse_group(Input *in, Picture *p, unsigned depth);

static void enter(Picture *p, unsigned depth, unsigned name) {
    CANARY("tiles/nest", depth >= PATH_MAX_DEPTH);
    p->path[depth] = (uint8_t)name;
}

static void parse_layer(Input *in, Picture *p, unsigned depth) {
    unsigned name = take(in);
    enter(p, depth, name);
    parse_group(in, p, depth + 1);
}

static void parse_frame(Input *in, Picture *p, unsigned depth) {
    enter(p, depth, 'f');
    parse_group(in, p, depth + 1);
    p->total++;
}

static void parse_group(Input *in, Picture *p, unsigned depth) {
    while (in->at < in->size) {
        switch (take(in)) {
        case 1: fill_block(in, p); break;
        case 2: fill_text(in, p); break;
        case 3: whole_picture(p, 3); break;
        case 4: whole_picture(p, 4); break;
        case 5: whole_picture(p, 5); break;
        case '(': parse_layer(in, p, depth); break;
        case '[': parse_frame(in, p, depth); break;
        case ')': return;
        default: break;
        }
    }
}

static int parse_header(Input *in, Picture *p) {
    if (take(in) != 'T' || take(in) != 'L')
        return 0;
    p->width = take(in);
    p->height = take(in);
    p->stride = take(in);
    if (p->width == 0 || p->height == 0)
        return 0;
    if (p->stride == 0)
        p->stride = p->width;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Input in = {data, size, 0};
    Picture p = {0};
    if (!parse_header(&in, &p))
        return 0;
    p.room = (size_t)p.stride * p.height;
    p.cells = calloc(p.room, 1);
    p.path = calloc(PATH_MAX_DEPTH, 1);
    if (p.cells && p.path)
        parse_group(&in, &p, 0);
    free(p.path);
    free(p.cells);
    return 0;
}
