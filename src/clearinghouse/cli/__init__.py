"""The command line: parses, calls the app, renders. One file per capability, nothing decided here.

Heavy parts are imported inside the commands, so that `clearinghouse --help` answers at once.
"""
