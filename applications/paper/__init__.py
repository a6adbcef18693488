"""The tables and figures of the paper, one program each; README.md is the report."""
