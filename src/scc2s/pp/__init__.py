from ._sentences import sentences

__all__ = ["sentences"]
