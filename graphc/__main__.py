"""``python -m graphc``: the command line."""

from graphc.cli.main import main

if __name__ == "__main__":
    main()
