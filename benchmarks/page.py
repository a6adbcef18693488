"""Tables that a program puts on a page of the documentation."""

from pathlib import Path


def put_on_page(page: Path, table: str, name: str = "table") -> None:
    """Replaces what stands between the two marks that a page has for a table of this name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    text = page.read_text("utf-8")
    if begin not in text or end not in text:
        raise SystemExit(f"{page} has no {begin} and {end} to put the table between.")
    before, rest = text.split(begin)
    page.write_text(f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}", "utf-8")
