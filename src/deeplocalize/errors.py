"""Errors that a user may see. A message says what was got, what was expected and what to do."""


class DeepLocalizeError(Exception):
    """Any error of ours that a user can do something about."""


class TraceError(DeepLocalizeError):
    """A trace file cannot be read: it is empty, foreign, damaged or of a version we do not know."""


class UsageError(DeepLocalizeError):
    """A call or a command line asks for something that does not exist."""
