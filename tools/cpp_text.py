"""Reads C++ just well enough to tell code from comments and strings."""
import re

# In the order in which they are tried. A raw string ends at its own delimiter; a
# quote between two digits or letters separates digits (1'000) and begins nothing.
_TOKEN = re.compile(
    r'(?P<comment>//(?:\\\n|[^\n])*|/\*.*?(?:\*/|\Z))'
    r'|(?P<raw>\b(?:u8|u|U|L)?R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<separator>(?<=[0-9a-fA-F])'(?=[0-9a-fA-F]))"
    r"|(?P<character>'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)

# Tests, fuzzers, benchmarks and what only they include.
_NOT_PRODUCT = re.compile(r"_(test|fuzz|bench)\.cc$|(^|[/_])(testing|for_tests)\.(h|cc)$|/contract/")

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?=["<])', re.MULTILINE)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The same text, same length and lines, with comments and literals as spaces."""
    return _TOKEN.sub(lambda m: m.group() if m.group("separator") else _blank(m.group()), text)


def includes(text):
    """(line, name, quoted) of each #include that is code."""
    found = []
    for match in _INCLUDE.finditer(code_keeping_include_names(text)):
        name = re.match(r'["<]([^">\n]*)', text[match.end():])
        found.append((line_of(text, match.end()), name.group(1), text[match.end()] == '"'))
    return found


def code_keeping_include_names(text):
    """code_only, but the quoted names of #include lines stay."""
    def keep(match):
        if match.group("string"):
            before = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
            if re.fullmatch(r"[ \t]*#[ \t]*include[ \t]*", before):
                return match.group()
        return match.group() if match.group("separator") else _blank(match.group())
    return _TOKEN.sub(keep, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def is_product(path):
    """Whether a file (its path as text) is part of what people run."""
    return not _NOT_PRODUCT.search(path)
