"""The journal of a gateway: one entry before every call that is forwarded, one after it, each bound to all before it by a hash.

A file of its own beside the instance's database, written by one gateway at a time and read by anybody with a right to the file. Belongs
here: entries and their chain, the writer, what is read from them. Does not belong here: what a call asked or was answered, which no entry
holds: ids, keyed digests and counts alone.
"""
