"""rawkv as a storage backend of SGLang's HiCache. docs/python.md shows the configuration."""

from .storage import RawkvHiCache

__all__ = ["RawkvHiCache"]
