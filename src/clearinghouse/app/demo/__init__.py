"""The demonstration: a made-up flood of reports about one made-up library, and a page that shows what came of it.

The library, its flaws and its finders do not exist. `flaws` says what is wrong with the library,
`finders` how eight finders write it down in seven formats, `flood` writes the files from a seed,
`page` draws the result. The truth about which report is which flaw stays in `flood` and is
used only to score the outcome, never to make it.
"""
