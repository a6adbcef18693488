"""Archives as users have them, and as nobody should have them."""

import errno
import io
import os
import stat
import tarfile
import time
import zipfile

import pytest
import released

from keras_rbi.atomic_write import unfinished_folder
from keras_rbi.datasets import load
from keras_rbi.datasets.archives.extraction import extract_all


def tar(path, *members, mode="w"):
    """An archive of (name, content) or of TarInfo objects."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def link(name, target, kind=tarfile.SYMTYPE):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


# Archives of a release: the names and what each is made of.
ARCHIVES = {
    "cub_200_2011": {"CUB_200_2011.tgz": ["CUB_200_2011", "attributes.txt"]},
    "stanford_dogs": {
        "images.tar": ["Images"],
        "annotation.tar": ["Annotation"],
        "lists.tar": ["file_list.mat", "train_list.mat", "test_list.mat"],
    },
    "nabirds": {"nabirds.tar.gz": ["nabirds"]},
    "tiny_imagenet_200": {"tiny-imagenet-200.zip": ["tiny-imagenet-200"]},
    "fgvc_aircraft": {"fgvc-aircraft-2013b.tar.gz": ["fgvc-aircraft-2013b"]},
    "stanford_cars": {
        "cars_train.tgz": ["cars_train"],
        "cars_test.tgz": ["cars_test"],
        "car_devkit.tgz": ["devkit"],
        "cars_test_annos_withlabels.mat": ["cars_test_annos_withlabels.mat"],
    },
    "stanford_cars_single": {"car_ims.tgz": ["car_ims"], "cars_annos.mat": ["cars_annos.mat"]},
    "oxford_flowers102": {
        "102flowers.tgz": ["jpg"],
        "imagelabels.mat": ["imagelabels.mat"],
        "setid.mat": ["setid.mat"],
    },
    "oxford_pets": {"images.tar.gz": ["images"], "annotations.tar.gz": ["annotations"]},
    "inaturalist_2021": {"train_mini.tar.gz": ["train_mini"], "val.tar.gz": ["val"]},
}


def pack(made, archives, folder):
    """Packs what was made into archives in another folder."""
    folder.mkdir()
    for name, parts in archives.items():
        if name.endswith(".mat"):
            (folder / name).write_bytes((made / parts[0]).read_bytes())
        elif name.endswith(".zip"):
            with zipfile.ZipFile(folder / name, "w") as archive:
                for path in sorted(made.rglob("*")):
                    archive.write(path, path.relative_to(made))
        else:
            # The pets' .tar.gz are not compressed.
            mode = "w" if name.endswith(".tar") or name == "images.tar.gz" else "w:gz"
            with tarfile.open(folder / name, mode) as archive:
                for part in parts:
                    archive.add(made / part, part)
    return folder


@pytest.mark.filterwarnings("ignore:.* is not as it should be")
@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_and_extracted_folders_are_the_same_data(name, tmp_path):
    getattr(released, name)(tmp_path / "made")
    data_dir = pack(tmp_path / "made", ARCHIVES[name], tmp_path / "packed")
    known_as = name.removesuffix("_single")
    folder = load(known_as, tmp_path / "made", "test", 8)
    packed = load(known_as, data_dir, "test", 8)
    assert [path.name for path in packed.paths] == [path.name for path in folder.paths]
    assert packed.labels.tolist() == folder.labels.tolist()
    assert packed.paths[0].read_bytes() == folder.paths[0].read_bytes()
    assert packed.boxes(0).tolist() == folder.boxes(0).tolist()
    extracted = {path.name for path in data_dir.iterdir()} - set(ARCHIVES[name])
    assert extracted == {f"{known_as}-extracted"}
    before = packed.paths[0].stat().st_ino
    assert load(known_as, data_dir, "test", 8).paths[0].stat().st_ino == before


UNSAFE = {
    "above": [("../evil.txt", b"x")],
    "above from inside": [("a/../../evil.txt", b"x")],
    "absolute": [("/tmp/evil.txt", b"x")],
    "windows": [("..\\evil.txt", b"x")],
    "drive": [("C:evil.txt", b"x")],
    "link": [link("a", "/etc/passwd")],
    "link inside": [("b", b"x"), link("a", "b")],
    "hard link": [link("a", "/etc/passwd", tarfile.LNKTYPE)],
    "through a link": [link("a", ".."), ("a/evil.txt", b"x")],
    "device": [link("a", "", tarfile.CHRTYPE)],
    "pipe": [link("a", "", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("kind", UNSAFE)
def test_unsafe_archives_are_refused_and_leave_nothing(kind, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    archive = tar(home / "x.tar", ("fine.txt", b"x"), *UNSAFE[kind])
    with pytest.raises(ValueError, match=r"x.tar.*holds"):
        extract_all([archive], home / "target")
    assert {path.name for path in tmp_path.rglob("*")} == {"home", "x.tar"}


def test_unsafe_zip_archives_are_refused(tmp_path):
    evil = zipfile.ZipInfo("a")
    evil.external_attr = (stat.S_IFLNK | 0o777) << 16
    for number, (name, content) in enumerate([("../evil.txt", "x"), (evil, "/etc/passwd")]):
        file = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, content)
        with pytest.raises(ValueError, match=r"zip.*holds"):
            extract_all([file], tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_archives_beyond_the_limit_are_refused(tmp_path, suffix):
    file = tmp_path / f"x{suffix}"
    if suffix == ".tar":
        tar(file, ("a", bytes(600)), ("b", bytes(600)))
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a", bytes(600))
            archive.writestr("b", bytes(600))
    extract_all([file], tmp_path / "within", limit=1200)
    with pytest.raises(ValueError, match="more than 1,199 bytes"):
        extract_all([file], tmp_path / "beyond", limit=1199)
    assert not (tmp_path / "beyond").exists()


def test_the_limit_grows_with_the_archives(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_rbi.datasets.archives.extraction.SMALLEST_LIMIT", 10)
    bomb = tar(tmp_path / "x.tgz", ("zeros", bytes(10**6)), mode="w:gz")
    with pytest.raises(ValueError, match="not what was released"):
        extract_all([bomb], tmp_path / "target")


@pytest.mark.parametrize("name", ["x.tgz", "x.tar", "x.zip"])
def test_broken_archives_are_told_and_leave_nothing(tmp_path, name):
    file = tmp_path / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", bytes(range(256)) * 100)
    else:
        mode = "w:gz" if name.endswith(".tgz") else "w"
        tar(file, ("a", bytes(range(256)) * 100), mode=mode)
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"words" * 200):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"cannot be extracted|is not whole"):
            extract_all([file], tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX alone")
def test_half_an_extraction_is_never_taken_for_the_whole(tmp_path):
    released.cub_200_2011(tmp_path / "made")
    data_dir = pack(tmp_path / "made", ARCHIVES["cub_200_2011"], tmp_path / "packed")
    # As version 0.1 called that of a process, and one that another process is at work on.
    ended = data_dir / ".unfinished-cub_200_2011-extracted-here-123"
    with unfinished_folder(data_dir) as at_work:
        for leftover in (ended, at_work):
            root, _ = released.cub_200_2011(leftover)
            (root / "images" / "left over.jpg").write_bytes(b"x")
        with pytest.warns(match="not as it should be"):
            data = load("cub_200_2011", data_dir, "test", 8)
        assert (ended.exists(), at_work.exists()) == (False, True)
    assert data.paths[0].is_relative_to(data_dir / "cub_200_2011-extracted")
    assert not list((data_dir / "cub_200_2011-extracted").rglob("left over.jpg"))


def test_of_two_processes_the_first_makes_the_folder(tmp_path):
    archive = tar(tmp_path / "x.tar", ("a", b"1"))

    def the_other_is_faster(name, done, total):
        (tmp_path / "target").mkdir(exist_ok=True)
        (tmp_path / "target" / "a").write_bytes(b"1")

    extract_all([archive], tmp_path / "target", progress=the_other_is_faster)
    assert {path.name for path in tmp_path.iterdir()} == {"x.tar", "target"}


def test_progress_ends_at_the_size_of_each_archive(tmp_path):
    archives = [tar(tmp_path / name, ("a", bytes(10**5))) for name in ("x.tar", "y.tar")]
    steps = []
    extract_all(archives, tmp_path / "target", progress=lambda *step: steps.append(step))
    size = archives[0].stat().st_size
    assert steps == [(name, done, size) for name in ("x.tar", "y.tar") for done in (10**5, size)]


def test_a_later_member_replaces_an_earlier_one_of_its_name(tmp_path):
    extract_all([tar(tmp_path / "x.tar", ("a", b"1"), ("a", b"22"))], tmp_path / "target")
    assert (tmp_path / "target" / "a").read_bytes() == b"22"


def test_an_archive_of_something_else_is_told(tmp_path):
    tar(tmp_path / "CUB_200_2011.tgz", ("other/readme.txt", b"x"), mode="w:gz")
    with pytest.raises(ValueError, match="do not hold Caltech-UCSD Birds"):
        load("cub_200_2011", tmp_path)


def flags(content, **changed):
    """A zip archive with other numbers in both headers of its one member."""
    places = {"flags": (6, 8), "method": (8, 10)}
    content = bytearray(content)
    central = content.index(b"PK\x01\x02")
    for name, value in changed.items():
        for begin, place in ((0, places[name][0]), (central, places[name][1])):
            content[begin + place : begin + place + 2] = value.to_bytes(2, "little")
    return bytes(content)


def zipped(**changed):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jpg", b"content")
    return flags(file.getvalue(), **changed)


def tarred(*members, mode="w:gz"):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for member in members:
            content = member[1] if isinstance(member, tuple) else b""
            info = tarfile.TarInfo(member[0]) if isinstance(member, tuple) else member
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def folder(name):
    info = tarfile.TarInfo(name)
    info.type = tarfile.DIRTYPE
    return info


def long_header():
    info = tarfile.TarInfo("a")
    info.pax_headers = {"comment": "x" * 2_000_000}
    return info


def many_headers():
    """None of them long, all of them more than members have."""
    for number in range(300):
        info = tarfile.TarInfo(f"{number}")
        info.pax_headers = {"comment": "x" * 20_000}
        yield info


def endless_map():
    """Of a sparse file, longer than the bound."""
    content = b"2000000\n" + b"1\n" * 2_000_000
    info = tarfile.TarInfo("a")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    info.size = len(content)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def deep(depth):
    return "/".join("d" * depth)


def zipped_names(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"")
    return file.getvalue()


def chain():
    """Headers that are about headers."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2
    header = info.tobuf(tarfile.GNU_FORMAT) + b"a\0".ljust(512, b"\0")
    return 2000 * header + tarred(("a", b"x"), mode="w")


def damaged_header():
    content = bytearray(tarred(("a", b"x"), ("b", b"x"), mode="w"))
    content[1024 + 100] ^= 1
    return bytes(content)


STRANGE = {
    "encrypted.zip": (lambda: zipped(flags=1), "an encrypted file: 'a.jpg'"),
    "unknown method.zip": (lambda: zipped(method=99), "cannot be extracted"),
    "no name.zip": (lambda: zipped_names(""), "cannot be extracted|without a name"),
    "no name.tar.gz": (lambda: tarred((".", b"x")), "a file without a name"),
    "deep.tar.gz": (lambda: tarred(folder(deep(1500))), "more than 64 folders deep"),
    "deep.zip": (lambda: zipped_names(deep(1500) + "/a"), "more than 64 folders deep"),
    "long.zip": (lambda: zipped_names("n" * 5000), "a name of 5,000 characters"),
    "too long for the disk.zip": (lambda: zipped_names("n" * 400), "cannot be extracted"),
    "map.tar.gz": (endless_map, "bytes of headers"),
    "file and folder.zip": (lambda: zipped_names("a", "a/b"), "cannot be extracted"),
    "folder and file.zip": (lambda: zipped_names("a/b", "a"), "cannot be extracted"),
    "folders.tar.gz": (
        lambda: tarred(*(folder(f"{number}") for number in range(3_000))),
        r"more than \d{3} files and folders",
    ),
    "folders of folders.zip": (
        lambda: zipped_names(*(f"{number}/{deep(60)}/x" for number in range(20))),
        r"more than \d{3} files and folders",
    ),
    "header.tar.gz": (lambda: tarred(long_header()), "more than 1,048,576 bytes of headers"),
    "headers.tar.gz": (lambda: tarred(*many_headers()), "more than 1,048,576 bytes of headers"),
    "chain.tar": (chain, "nested too deeply|bytes of headers"),
    "damaged header.tar": (damaged_header, "a header is damaged"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_archives_are_refused_in_a_line_and_at_once(name, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_rbi.datasets.archives.extraction.FEWEST_MEMBERS", 100)
    make, told = STRANGE[name]
    (tmp_path / name).write_bytes(make())
    begin = time.monotonic()
    with pytest.raises(ValueError, match=told) as refused:
        extract_all([tmp_path / name], tmp_path / "target")
    assert time.monotonic() - begin < 20
    assert len(str(refused.value)) < 500
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_itself_may_be_a_member_and_other_compressions_are_read(tmp_path):
    for mode, suffix in (("w:bz2", ".tar"), ("w:xz", ".tar.gz"), ("w", ".tgz")):
        file = tmp_path / f"x{suffix}"
        file.write_bytes(tarred(folder("."), folder("./a"), ("./a/b", b"1"), mode=mode))
        extract_all([file], tmp_path / f"target{suffix}")
        assert (tmp_path / f"target{suffix}" / "a" / "b").read_bytes() == b"1"


def test_a_full_disk_is_not_put_down_to_the_archive(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    archive = tar(tmp_path / "x.tar", ("a", b"1"))
    monkeypatch.setattr("keras_rbi.datasets.archives.extraction._write", full)
    with pytest.raises(ValueError, match="No space left on device") as told:
        extract_all([archive], tmp_path / "target")
    assert "download" not in str(told.value)
    assert str(tmp_path) in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == ["x.tar"]
