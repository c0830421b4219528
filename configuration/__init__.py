"""Reads files, tables, settings and proxies for all programs, as people and platforms write them; writes their logs."""

from configuration.command_line import VERSION, argument_parser
from configuration.env import Values, clean, values
from configuration.errors import ConfigurationError, FileError, ValueMistakeError
from configuration.files import read_text
from configuration.livekit_pair import DEVELOPMENT_SECRET, LiveKitPair, check_secret, check_secret_for, with_pair
from configuration.log_lines import LogSettings, TextLines, log_to_stderr, set_log_format
from configuration.misspelt import misspelt
from configuration.model import LOWER_CASE, UPPER_CASE, Folder, read_model
from configuration.proxies import is_loopback, is_this_machine, livekit_proxy, masked, proxy_for, set_native_proxy
from configuration.proxy_settings import ProxySettings
from configuration.tables import Place, Table, Wanted, dotted, first_mistake, sentence
from configuration.text import decoded, parsed_toml, valid_text

__all__ = [
    "DEVELOPMENT_SECRET",
    "LOWER_CASE",
    "UPPER_CASE",
    "VERSION",
    "ConfigurationError",
    "FileError",
    "Folder",
    "LiveKitPair",
    "LogSettings",
    "Place",
    "ProxySettings",
    "Table",
    "TextLines",
    "ValueMistakeError",
    "Values",
    "Wanted",
    "argument_parser",
    "check_secret",
    "check_secret_for",
    "clean",
    "decoded",
    "dotted",
    "first_mistake",
    "is_loopback",
    "is_this_machine",
    "livekit_proxy",
    "log_to_stderr",
    "masked",
    "misspelt",
    "parsed_toml",
    "proxy_for",
    "read_model",
    "read_text",
    "sentence",
    "set_log_format",
    "set_native_proxy",
    "valid_text",
    "values",
    "with_pair",
]
