"""What MkDocs calls while it builds the site."""

import sys
from pathlib import Path

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import outside_pages
import reference
import see_also


def on_files(files: Files, config) -> Files:
    """Adds the pages that are written elsewhere or generated."""
    for page, text in {**outside_pages.pages(), **reference.pages()}.items():
        files.append(File.generated(config, page, content=text))
    for path in outside_pages.FIGURES:
        page = f"results/results/{path.name}"
        files.append(File.generated(config, page, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page, config, **_) -> str:
    """Turns links of the repository into links of the site; links guides and reference."""
    place = page.file.src_uri
    if place in ASKED or place.startswith("how_to/"):
        page.meta.setdefault("search", {"boost": 4})
    links = see_also.see_also(place, see_also.titles_in(config.nav))
    markdown = outside_pages.mend_links(markdown, place)
    if not place.startswith("reference/"):
        return markdown + links
    # After what the package says of itself.
    head, section, rest = markdown.partition(":::")
    return head + links + "\n" + section + rest


# Guides to what people ask for, which search finds before pages that mention it.
ASKED = ("adding_classes.md", "backbones.md", "explanations.md", "observations.md", "recipes.md")
# Search in pages that are opened from a disk: the theme would load this from another host.
SHIM = "https://unpkg.com/iframe-worker/shim"


def with_own_shim(html: str, page: str) -> str:
    """The page with the shim of its own site.

    Args:
        html: The page.
        page: Its place from the root of the site.
    """
    return html.replace(SHIM, f"{'../' * page.count('/')}hooks/iframe-worker.js")


def on_post_page(output: str, page, **_) -> str:
    """Leaves nothing in a page that another host would be asked for."""
    return with_own_shim(output, page.url)


def on_post_template(output_content: str, template_name: str, **_) -> str:
    """As `on_post_page`, for the page of what is not found."""
    return with_own_shim(output_content, template_name)
