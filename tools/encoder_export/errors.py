"""Errors that a user can mend, and the libraries that a source needs."""
import importlib


class ExportError(Exception):
    """component: expected ..., got ...; what to do next."""


def need(module):
    """The library of a source, or an error that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ExportError(f"expected the library {module} in this Python, got none ({error}); run this with "
                          f"the Python that has the model's "
                          f"library, or pip install {module.replace('_', '-')}") from error
