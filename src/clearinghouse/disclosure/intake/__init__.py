"""Taking reports in: bytes in any of the field's formats become reports, a receipt says what became of each.

ISO/IEC 29147:2018 clause 6.2 (receiving reports). Belongs here: the sources (one file a format), the
process they run in, limits, receipts, original bytes. Does not belong here: whether two reports are
the same flaw (`deconfliction`), or whether one is true (`validation`).
"""
