"""rawkv as a storage of LMCache. docs/python.md shows the configuration."""

from .connector import RawkvConnector

__all__ = ["RawkvConnector"]
