"""Photographs, asked of a service: what they are, what they look like, and why.

keras-rbi serve runs/birds-1
python examples/ask_the_service.py http://127.0.0.1:8000 a.jpg b.jpg
"""

import base64
import json
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any


def ask(url: str, files: list[str], **parameters: Any) -> dict[str, Any]:
    """What an endpoint of the service answers to image files."""
    images = [base64.b64encode(Path(file).read_bytes()).decode() for file in files]
    request = urllib.request.Request(
        f"{url}?{urllib.parse.urlencode(parameters)}",
        json.dumps({"images": images}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return dict(json.load(response))


def main(url: str, *files: str) -> None:
    """Prints the classes of each photograph, and their one answer if they show one thing."""
    for file, found in zip(
        files, ask(f"{url}/predict", list(files), top=2, references=1)["predictions"], strict=True
    ):
        print(file, found.get("error") or ("" if found.get("sure", True) else "(not sure)"))
        for entry in found.get("top", []):
            alike = [each["name"] for each in entry.get("references", [])]
            print(f"  {100 * entry['probability']:.1f} % {entry['class']}", *alike)
    together = ask(f"{url}/observations", list(files))["observation"]["top"][0]
    print(f"If they show one thing: {100 * together['probability']:.1f} % {together['class']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
