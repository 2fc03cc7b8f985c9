"""`python -m losslang` is `losslang`."""

from losslang.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
