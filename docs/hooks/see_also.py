"""Links between guides and the reference, which the repository itself has no pages for."""

import posixpath

# From guides to the packages that they are about.
PACKAGES = {
    "adding_classes.md": ("models", "training"),
    "backbones.md": ("backbones",),
    "datasets.md": ("datasets",),
    "default.md": ("layers", "models"),
    "design.md": ("layers",),
    "evaluation.md": ("evaluation", "figures"),
    "explanations.md": ("explanations", "figures"),
    "export.md": ("export",),
    "herbs.md": ("models.herbs",),
    "how_to/layers_in_your_own_model.md": ("layers", "models"),
    "how_to/serve_a_model.md": ("export",),
    "how_to/your_own_folder.md": ("training", "datasets", "evaluation"),
    "observations.md": ("evaluation", "datasets"),
    "p2p_net.md": ("models.p2p_net",),
    "recipes.md": ("training", "optimizers"),
    "relations.md": ("models",),
    "scaling.md": ("training", "evaluation"),
}


def see_also(page: str, titles: dict[str, str]) -> str:
    """What stands at the end of a page: of a guide its packages, of a package its guides.

    Args:
        page: The page, from the root of the site.
        titles: From guides to what the navigation calls them.
    """

    def link(there: str, text: str) -> str:
        return f"[{text}]({posixpath.relpath(there, posixpath.dirname(page) or '.')})"

    def reference(package: str) -> str:
        return f"reference/{package.replace('.', '_')}.md"

    if page in PACKAGES:
        names = [link(reference(each), f"`keras_rbi.{each}`") for each in PACKAGES[page]]
        return f"\n\n## Reference\n\nEvery name and argument: {', '.join(names)}.\n"
    guides = [each for each, packages in PACKAGES.items() if page in map(reference, packages)]
    names = [link(each, titles.get(each, each)) for each in guides]
    return f"\nGuides: {', '.join(names)}.\n" if names else ""


def titles_in(nav: list | dict | str) -> dict[str, str]:
    """From pages to what `nav` of mkdocs.yml calls them."""
    if isinstance(nav, dict):
        named = {page: title for title, page in nav.items() if isinstance(page, str)}
        return named | titles_in([each for each in nav.values() if isinstance(each, list)])
    if isinstance(nav, list):
        return {page: title for each in nav for page, title in titles_in(each).items()}
    return {}
