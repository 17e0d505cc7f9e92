"""How a vulnerability is handled, in this order: intake, then deconfliction (ISO/IEC 29147, ISO/IEC 30111).

Each step is a package that knows only the steps before it. What flows back is a record that the earlier
step declares and `app/process.py` fills. Does not belong here: code of its own.
"""
