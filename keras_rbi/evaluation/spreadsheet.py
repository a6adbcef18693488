"""Cells of CSV files that a spreadsheet reads as the text that they are."""

# What the programs take for the beginning of a formula, in their usual and their full width.
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def spreadsheet_cell(text: str) -> str:
    """Text with an apostrophe before it where a spreadsheet would take it for a formula.

    Args:
        text: The text of a cell.

    Example:

    >>> from keras_rbi.evaluation.spreadsheet import spreadsheet_cell
    >>> spreadsheet_cell("=cmd|' /C calc'!A0"), spreadsheet_cell("wren")
    ("'=cmd|' /C calc'!A0", 'wren')
    """
    return "'" + text if text.lstrip(" ").startswith(BEGINNINGS) else text
