"""Converts the files that benchmarks are published in to tables, once."""

from benchsuite.importer.plan import Request
from benchsuite.importer.road import Imported, import_file

__all__ = ["Imported", "Request", "import_file"]
