"""The boundary for untrusted code: builds, reproducers, patches and tests run behind it, or not at all.

`base` says what goes in and what comes out, one file each is a kind of isolation. Which walls stand is part of what
comes out (`Level`), and so of every piece of evidence. There is no kind that only starts a process.

Does not belong here: what a run means (validation), which runs are wanted.
"""
