"""rawkv as a storage of LMCache. docs/python.md shows the configuration."""

from .adapter import RawkvL2Adapter, RawkvL2AdapterConfig
from .connector import RawkvConnector

__all__ = ["RawkvConnector", "RawkvL2Adapter", "RawkvL2AdapterConfig"]
