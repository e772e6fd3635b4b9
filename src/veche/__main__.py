"""``python -m veche`` is ``veche``."""

from veche.cli.group import main

if __name__ == "__main__":
    main()
