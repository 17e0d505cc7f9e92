"""`python -m clearinghouse` is the command `clearinghouse`."""

from clearinghouse.cli.main import run

if __name__ == "__main__":
    run()
