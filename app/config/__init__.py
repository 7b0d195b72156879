"""The office's own files: read, checked as a whole, and turned into one `Office`.

*.toml ─read→ tables ─build→ values ─cross-check→ Office | ConfigError (every problem at once, with file and line)
"""

from app.config.load import Config, default_directory, load
from app.config.problems import ConfigError, Problem

__all__ = ["Config", "ConfigError", "Problem", "default_directory", "load"]
