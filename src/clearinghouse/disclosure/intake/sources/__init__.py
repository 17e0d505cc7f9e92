"""The formats people really send, one file each.

A module here that defines `SOURCE` is a source; nothing else registers it. Modules whose name
begins with an underscore hold readings that several sources share.
"""
