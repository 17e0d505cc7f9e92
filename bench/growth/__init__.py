"""How cost grows with the number of records, in bulk and one by one."""
