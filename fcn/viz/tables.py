"""Tables of names and numbers: HTML with head cells for the page, aligned text for the console."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from html import escape

from fcn.viz.values import as_array, came, written

_MISSING = "–"
_NUMBER = re.compile(r"[-+]?\d[\d,]*")  # what stands before the decimal point
# What Jupyter and Colab need; book.css says more.
_CSS = (
    ".fcn-table{overflow-x:auto}.fcn-table table{border-collapse:collapse}.fcn-table caption{text-align:left}"
    ".fcn-table :is(th,td){padding:.3em 1.2em .3em 0;border-bottom:1px solid #8884;text-align:left}"
    ".fcn-table .number{text-align:right;font-variant-numeric:tabular-nums}"
    ".fcn-table tbody th{font-weight:inherit}"
)


@dataclass(frozen=True, repr=False)
class Table:
    """A table that shows itself as HTML in a notebook and as text in a console; its cells are texts.

    `columns` are the heads, the first one that of the rows' names; `numeric` says which columns hold numbers.

    >>> Table(["network", "mean IoU"], [["FCN-8s", "0.41"]], [False, True])
    network  mean IoU
    FCN-8s       0.41
    """

    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    caption: str = ""

    def __repr__(self) -> str:
        cells = zip(*self.rows, strict=True)
        columns = [_aligned(*column) for column in zip(self.columns, cells, self.numeric, strict=True)]
        lines = ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]
        return "\n".join([self.caption, *lines] if self.caption else lines)

    def _repr_html_(self) -> str:
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        head = self._line(self.columns, ["col"] * len(self.columns))
        body = "".join(self._line(row, ["row"] + [""] * (len(row) - 1)) for row in self.rows)
        table = f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"
        return f'<div class="fcn-table"><style>{_CSS}</style>{table}</div>'

    def _line(self, texts: list[str], scopes: list[str]) -> str:
        cells = []
        for text, scope, numeric in zip(texts, scopes, self.numeric, strict=True):
            name = "th" if scope and text else "td"  # an empty head would be read out as a head without a name
            attributes = f' scope="{scope}"' * (name == "th") + ' class="number"' * numeric
            shown = text.replace("-", "−") if numeric and scope != "col" else text
            cells.append(f"<{name}{attributes}>{escape(shown)}</{name}>")
        return f"<tr>{''.join(cells)}</tr>"


def table(
    rows, columns: Sequence[str], *, head: str = "", numbers: str | Sequence[str] = "", caption: str = ""
) -> Table:
    """Return a table: a row for each name of {name: values}, with the heads `columns` above its values.

    `rows` may also be a list of rows that begin with their names; values are a list, a tensor, an array, or a single
    one. `head` stands above the names. `numbers` is the format of the numbers, one for all or one a column (".3f",
    ".0%", "d"). Texts stay as they are, True is written yes, None and NaN are a dash.
    Raises ValueError for no row, for a row that has not one value a column, and for a format that does not fit.

    >>> table({"FCN-32s": [0.4123, 56], "FCN-8s": [0.5, None]}, ["mean IoU", "epochs"], numbers=[".3f", "d"])
             mean IoU  epochs
    FCN-32s     0.412      56
    FCN-8s      0.500       –
    """
    columns = [columns] if isinstance(columns, str) else [str(column) for column in columns]
    forms = [numbers] * len(columns) if isinstance(numbers, str) else list(numbers)
    rows = rows.items() if isinstance(rows, Mapping) else [(row[0], row[1:]) for row in rows]
    rows = [(str(name), _values(values)) for name, values in rows]
    if not rows or len(forms) != len(columns):
        raise ValueError(f"Expected rows, and a format for each column; got {len(rows)} rows, {columns} and {forms}.")
    texts = []
    for name, values in rows:
        if len(values) != len(columns):
            raise ValueError(f"Expected a value for each of {columns}; got {len(values)} in row {name!r}.")
        places = (f"row {name!r}, column {column!r}" for column in columns)
        texts.append([name, *map(_text, values, forms, places)])
    numeric = [_is_numeric(column) for column in zip(*(values for _, values in rows), strict=True)]
    return Table([head, *columns], texts, [False, *numeric], caption)


def _values(row) -> list:
    """Return the values of a row: those of a list, tensor or array, or the one that it is; numbers as Python's."""
    if hasattr(row, "shape"):
        row = as_array(row).tolist()
    row = list(row) if hasattr(row, "__iter__") and not isinstance(row, str | Mapping | Set) else [row]
    return [as_array(value).tolist() if hasattr(value, "shape") else value for value in row]


def _text(value, form: str, place: str) -> str:
    if value is None or value != value:  # NaN
        return _MISSING
    if isinstance(value, str | bool):
        return {True: "yes", False: "no"}.get(value, value)
    if not isinstance(value, int | float):
        raise ValueError(f"Expected a number, a text or None; got {came(value)} in {place}.")
    try:
        return written(value, form or ("d" if isinstance(value, int) else "g"))
    except ValueError:
        raise ValueError(f"The format {form!r} does not fit {value!r} in {place}.") from None


def _is_numeric(values: Sequence) -> bool:
    """Say whether a column is set as numbers: if it has one, or nothing but texts that begin with one."""
    if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return True
    return all(isinstance(value, str) and _NUMBER.match(value) for value in values if value is not None)


def _aligned(head: str, cells: Sequence[str], numeric: bool) -> list[str]:
    """Return a column's head and cells in one width, numbers with their decimal points below each other."""
    found = [_NUMBER.match(cell) if numeric else None for cell in cells]
    after = max((len(cell) - number.end() for cell, number in zip(cells, found, strict=True) if number), default=0)
    cells = [
        cell + " " * (after - len(cell) + number.end()) if number else cell
        for cell, number in zip(cells, found, strict=True)
    ]
    width = max(map(len, [head, *cells]))
    return [cell.rjust(width) if numeric else cell.ljust(width) for cell in [head, *cells]]
