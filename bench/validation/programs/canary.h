/* Says whether a planted flaw was reached and whether it was triggered. Nothing at all unless CANARIES is defined. */
#ifndef CANARY_H
#define CANARY_H
#ifdef CANARIES
#include <stdio.h>
#define CANARY(flaw, condition) ((void)fprintf(stderr, "canary %s %s\n", (flaw), (condition) ? "triggered" : "reached"))
#else
#define CANARY(flaw, condition) ((void)0)
#endif
#endif
