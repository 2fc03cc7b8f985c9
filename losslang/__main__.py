"""`losslang`, and `python -m losslang`: quiet also where Ctrl-C comes before the command line is imported."""

from __future__ import annotations

__all__ = ["main"]


def main() -> int:
    """Run the command of this process's arguments, and give its exit status."""
    try:
        from losslang.cli import main as run
    except KeyboardInterrupt:
        return 130
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
