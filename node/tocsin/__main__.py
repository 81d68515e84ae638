"""`python -m tocsin`: the same command as `tocsin`.

It adds nothing of its own.
"""

from tocsin.cli import main

if __name__ == "__main__":
    main()
