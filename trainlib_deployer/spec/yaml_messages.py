"""YAML's syntax errors in words for people who do not write parsers."""

from __future__ import annotations

import re

import yaml

from trainlib_deployer.errors import Diagnostic, Location

_UNKNOWN = "this is not understood here"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Fragments of the parser's texts (libyaml's and PyYAML's own), and what they come from.
_CAUSES = (
    ("mapping values are not allowed", "a ':' is not expected here. Quote text that contains"
     " ': ', or check the indentation"),
    ("expected ',' or ']'", "a ',' or the closing ']' is missing"),
    ("expected ',' or '}'", "a ',' or the closing '}' is missing"),
    ("could not find expected ':'", "a ':' is missing after a key"),
    ("unexpected end of stream", "a quote is opened but not closed"),
    ("document separator", "a quote is opened but not closed"),
    ("unknown escape character", "an unknown escape after '\\'. Use single quotes to write"
     " a backslash"),
    ("expected key", "the indentation does not match the lines above, or a ':' is missing"),
    ("expected '-' indicator", "the indentation does not match the list above, or a '-' is"
     " missing"),
    ("expected <block end>", "the indentation does not match the lines above, or a ':' is"
     " missing"),
    ("block sequence entries are not allowed", "a '-' is not expected here. Begin the list"
     " on a line of its own"),
    ("block mapping entries are not allowed", "a mapping is not expected here. Begin it on"
     " a line of its own"),
    ("cannot start any token", "a value cannot begin with this character. Put it in quotes"),
    ("alphabetic or numeric", "a name is missing after '&' or '*'. Quote text that begins so"),
    ("incompatible YAML", "this version of YAML is not known. Leave the %YAML line out"),
)  # fmt: skip


def find_unprintable(text: str, file: str) -> Diagnostic | None:
    """The first control character, which YAML does not allow."""
    found = _UNPRINTABLE.search(text)
    if found is None:
        return None
    before = text[: found.start()]
    line = before.count("\n") + 1
    column = found.start() - (before.rfind("\n") + 1) + 1
    message = f"the control character U+{ord(found.group()):04X} is not allowed in YAML"
    return Diagnostic(message, Location(file, line, column))


def explain_syntax_error(error: yaml.YAMLError, text: str, file: str) -> Diagnostic:
    """One clear finding for what the parser stumbled over."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = f"{getattr(error, 'context', None)} {getattr(error, 'problem', None)}"
    line, column = (mark.line, mark.column) if mark else (0, 0)
    place = Location(file, line + 1, column + 1)
    lines = text.split("\n")
    rest = lines[line] if line < len(lines) else ""
    if rest[column : column + 1] == "\t" or "\t" in rest[: len(rest) - len(rest.lstrip())]:
        return Diagnostic("a tab is used to indent; YAML takes spaces only", place)
    cause = next((cause for fragment, cause in _CAUSES if fragment in problem), _UNKNOWN)
    opened = getattr(error, "context_mark", None)
    if opened is not None and "quote is opened" in cause:
        place = Location(file, opened.line + 1, opened.column + 1)
    elif opened is not None and "closing" in cause and opened.line != line:
        cause += f" (opened in line {opened.line + 1})"
    return Diagnostic(f"YAML syntax: {cause}", place)
