"""losslang: self-supervised objectives as short files, compiled to torch and trained by one runner."""

__version__ = "0.1.0"
