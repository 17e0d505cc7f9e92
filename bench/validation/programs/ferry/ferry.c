/* A timetable made up for measuring; nobody runs it. Its flaws are planted, each with a canary. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "canary.h"

#define TIDES 12

typedef struct {
    const uint8_t *data;
    size_t size, at;
} Input;

typedef struct {
    unsigned weight, stops;
} Trip;

typedef struct {
    Trip *trips, *current;
    unsigned count, room, stale, carried;
    uint8_t *cargo, cargo_room;
    int *tides, hour;
} Harbour;

static volatile unsigned last_carried;

static unsigned take(Input *in) {
    return in->at < in->size ? in->data[in->at++] : 0;
}

static unsigned lift(const void *from, size_t at, size_t size) {
    unsigned found = 0;
    memcpy(&found, (const uint8_t *)from + at, size);
    return found;
}

static void grow(Harbour *h) {
    unsigned room = h->room * 2;
    Trip *wider = realloc(h->trips, room * sizeof *wider);
    if (!wider)
        return;
    h->stale = wider != h->trips && h->current != NULL;
    h->trips = wider;
    h->room = room;
}

static void add_trip(Input *in, Harbour *h) {
    if (h->count == h->room)
        grow(h);
    if (h->count == h->room)
        return;
    h->trips[h->count].weight = take(in);
    h->trips[h->count].stops = 1;
    h->count++;
}

static void choose(Input *in, Harbour *h) {
    if (h->count == 0)
        return;
    h->current = &h->trips[take(in) % h->count];
    h->stale = 0;
}

static void weigh(Harbour *h) {
    if (h->current == NULL)
        return;
    CANARY("ferry/berth", h->stale);
    h->carried += lift(h->current, offsetof(Trip, weight), sizeof(unsigned));
}

static void stop_over(Harbour *h) {
    if (h->current == NULL)
        return;
    CANARY("ferry/berth", h->stale);
    h->current->stops++;
}

static void load(Input *in, Harbour *h) {
    unsigned boxes = take(in) + take(in);
    free(h->cargo);
    h->cargo_room = (uint8_t)boxes;
    h->cargo = calloc(h->cargo_room + 1u, 1);
    for (unsigned i = 0; h->cargo && i < h->cargo_room; i++)
        h->cargo[i] = (uint8_t)i;
    if (h->cargo && boxes > 0) {
        CANARY("ferry/manifest", boxes > 255);
        h->carried += lift(h->cargo, boxes - 1, 1);
    }
}

static unsigned height(const Harbour *h) {
    int at = h->hour % TIDES;
    CANARY("ferry/tide", at < 0);
    return lift(h->tides, (size_t)(ptrdiff_t)(at * (int)sizeof(int)), sizeof(int));
}

static void sail(Input *in, Harbour *h) {
    int hours = (int8_t)take(in);
    h->hour += hours;
    h->carried += height(h);
}

static void moor(Input *in, Harbour *h) {
    h->hour -= (int)(take(in) & 3);
    if (h->hour < -3)
        h->hour = 0;
    h->carried ^= height(h);
}

static void keep(Input *in, Harbour *h) {
    while (in->at < in->size) {
        switch (take(in)) {
        case 't': add_trip(in, h); break;
        case 'c': choose(in, h); break;
        case 'w': weigh(h); break;
        case 's': stop_over(h); break;
        case 'l': load(in, h); break;
        case 'h': sail(in, h); break;
        case 'm': moor(in, h); break;
        default: return;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Input in = {data, size, 0};
    Harbour h = {.room = 2};
    h.trips = calloc(h.room, sizeof *h.trips);
    h.tides = calloc(TIDES, sizeof *h.tides);
    if (h.trips && h.tides)
        keep(&in, &h);
    last_carried = h.carried;
    free(h.trips);
    free(h.tides);
    free(h.cargo);
    return 0;
}
