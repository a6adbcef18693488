"""Tables that a program puts on a page of the documentation."""

from pathlib import Path

BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def put_on_page(page: Path, table: str) -> None:
    """Replaces what stands between the page's two marks."""
    text = page.read_text("utf-8")
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{page} has no {BEGIN} and {END} to put the table between.")
    before, rest = text.split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}", "utf-8")
