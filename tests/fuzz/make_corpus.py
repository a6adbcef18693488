"""Writes the small files that the search begins with.

python tests/fuzz/make_corpus.py
"""

import base64
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

CORPUS = Path(__file__).parent / "corpus"
sys.path.insert(0, str(CORPUS.parents[1] / "backbones"))
import test_torch_file as torch_files  # noqa: E402

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 4), np.uint8)


def image(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, kind, **options)
    return file.getvalue()


def images() -> dict[str, bytes]:
    turned = Image.Exif()
    turned[0x0112] = 6
    deep = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 999).save(deep, "PNG")
    frames = [Image.fromarray(PIXELS[..., at]) for at in range(3)]
    moving = io.BytesIO()
    frames[0].save(moving, "GIF", save_all=True, append_images=frames[1:])
    return {
        "grey.png": image("PNG", "L"),
        "palette.png": image("PNG", "P"),
        "transparent.png": image("PNG", "RGBA"),
        "deep.png": deep.getvalue(),
        "turned.jpg": image("JPEG", exif=turned),
        "progressive.jpg": image("JPEG", progressive=True),
        "cmyk.jpg": image("JPEG", "CMYK"),
        "moving.gif": moving.getvalue(),
        "lossless.webp": image("WEBP", lossless=True),
        "plain.bmp": image("BMP"),
        "packed.tif": image("TIFF", compression="tiff_lzw"),
        "float.tif": image("TIFF", "F"),
        "plain.ppm": image("PPM"),
        "icon.ico": image("ICO"),
        "plain.tga": image("TGA"),
    }


def tar(mode: str = "w", kind: int = tarfile.PAX_FORMAT, **names: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, format=kind) as archive:
        for name, content in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    written = file.getvalue()
    # Without the zeros that it is filled up with, but for the two blocks of its end.
    return written if ":" in mode else written[: -(-len(written.rstrip(b"\0")) // 512 - 2) * 512]


def archives() -> dict[str, bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.jpg", b"one" * 30)
        archive.writestr("../b.jpg", b"two")
        archive.mkdir("empty")
    some = {"images/a.jpg": b"one", "labels.txt": b"two"}
    return {
        "names.zip": packed.getvalue(),
        "plain.tar": tar(**some),
        "packed.tar.gz": tar("w:gz", **some),
        "long.tar": tar(kind=tarfile.GNU_FORMAT, **{f"{'x' * 120}/a": b"one"}),
        "beyond_ascii.tar": tar(**{"ä" * 60: b"one"}),
        "outside.tar": tar(**{"/etc/a": b"one"}),
    }


def tables() -> dict[str, bytes]:
    lines = [{"file_name": "a.jpg", "label": "x"}, {"file_name": "b.jpg", "label": ["y"]}]
    return {
        "plain": b"csv\npath,label,split\na.jpg,wren,train\nb.jpg,robin,test\n",
        "quoted": b'csv\nimage;class\n"a.jpg";"w;ren"\n"b.jpg";"ro\nbin"\n',
        "unnamed": b"csv\na.jpg,1\nb.jpg,2\nc.png,2\n",
        "tabs": b"tsv\nfile\tspecies\tobservation\na\tx\t1\nb\ty\t1\n",
        "list": b"txt\na.jpg 0\nb.jpg 1\n",
        "marked": b"csv\n" + "path,label\na.jpg,ä\n".encode("utf-16"),
        "lines": b"jsonl\n" + "\n".join(map(json.dumps, lines)).encode(),
    }


def torch_files_() -> dict[str, bytes]:
    state = torch_files.state(a=torch_files.tensor(), b=torch_files.tensor((2,), (2,), 1))
    return {"legacy.pth": torch_files.legacy(state), "archive.pth": torch_files.archive(state)}


def requests() -> dict[str, bytes]:
    part = (
        b'--b\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\nbytes\r\n"
    )
    text = base64.b64encode(b"bytes").decode()
    body = json.dumps({"images": [text, "?", 3]}).encode()
    return {
        "files": b"multipart/form-data; boundary=b\n" + part * 2 + b"--b--\r\n",
        "field": b"multipart/form-data; boundary=b\n"
        + part.replace(b'; filename="a.png"', b"")
        + b"--b--\r\n",
        "json": b"application/json\n" + body,
        "other": b"text/plain\nwords",
    }


MADE = {
    "images": images,
    "archives": archives,
    "tables": tables,
    "torch_files": torch_files_,
    "requests": requests,
}


def main() -> None:
    for target, make in MADE.items():
        (CORPUS / target).mkdir(parents=True, exist_ok=True)
        for name, content in make().items():
            (CORPUS / target / name).write_bytes(content)


if __name__ == "__main__":
    main()
