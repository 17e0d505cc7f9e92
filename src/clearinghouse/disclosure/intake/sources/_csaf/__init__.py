"""What CSAF needs beside its reader: the product tree, and the tests of the standard by topic."""
