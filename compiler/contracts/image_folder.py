"""Folders of images: a folder a class, at the top or below train, validation (val) and test.

The header of every file is read, no pixel is decoded. Only PNG, JPEG, WebP and BMP are opened.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from automlc.compiler.contracts.base import (
    Label,
    Request,
    class_target,
    plural,
    refuse_settings,
    rows_after_split,
    show_names,
)
from automlc.compiler.contracts.contract import DataContract, ImageInput, Storage
from automlc.compiler.contracts.duplicates import Duplicates
from automlc.compiler.contracts.files import is_inside, sha256_of_listing
from automlc.spec.diagnostics import quote

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MAX_FILES = 2_000_000
MAX_FILE_BYTES = 256 * 2**20
PART_FOLDERS = {"train": "train", "validation": "validation", "val": "validation", "test": "test"}
_WIDE_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


@dataclass
class _Seen:
    """What the headers say, over all files."""

    digests: list[tuple[str, str]] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)  # (height, width)
    has_color: bool = False
    counts: dict[str, Counter[Label]] = field(default_factory=dict)
    other_files: list[str] = field(default_factory=list)
    duplicates: Duplicates = field(default_factory=lambda: Duplicates("image"))


def read(request: Request) -> DataContract:
    """Describe an image folder. Raises Stop after reporting what makes a contract impossible."""
    problems = request.problems
    _check_request(request)
    parts = _part_folders(request)
    seen = _Seen()
    pillow = _pillow(request)
    for part, folder in parts.items():
        _read_part(request, pillow, part, folder, seen)
    if seen.other_files:
        problems.report(
            "W513",
            "data.source",
            f"{quote(request.source)} has {plural(len(seen.other_files), 'file')} of other kinds,"
            f" left out: {show_names(seen.other_files)}",
        )
    if not seen.sizes and not problems.has_errors:
        problems.report("E367", "data.source", f"{quote(request.source)} holds no images")
    if problems.has_errors:
        raise problems.stopped()
    inputs = _input(request, seen)
    held = {part: seen.counts[part] for part in parts if part != "train"}
    train = seen.counts["train"]
    target = class_target(request, train, held, where=quote(request.source))
    storage = _storage(seen, parts, request.path)
    rows = rows_after_split(request, storage, target)
    seen.duplicates.report(request, storage)
    return DataContract(
        source=request.source,
        format="image_folder",
        fingerprint=sha256_of_listing(seen.digests),
        input=inputs,
        target=target,
        rows=rows,
        storage=storage,
    )


def sizes(request: Request) -> dict[tuple[int, int], int]:
    """How many images have which (height, width). Raises Stop where a file is no image."""
    seen = _Seen()
    pillow = _pillow(request)
    for part, folder in _part_folders(request).items():
        _read_part(request, pillow, part, folder, seen)
    if request.problems.has_errors:
        raise request.problems.stopped()
    return dict(seen.sizes)


def _check_request(request: Request) -> None:
    data, problems = request.data, request.problems
    settings = {"target": data.target, "split.column": data.split.column, "columns": data.columns}
    refuse_settings(request, settings, "image folders, whose folders are the classes")
    if request.task != "image_classification":
        raise problems.stop(
            "E376",
            "task.kind",
            f"{quote(request.source)} is an image folder, whose folders are classes;"
            f" {request.task} does not fit it",
            "write `kind: image_classification`",
        )


def _pillow(request: Request) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise request.problems.stop(
            "E354",
            "data.source",
            "reading images needs Pillow, which is not installed",
            "pip install 'automlc[run]'",
        ) from error
    return Image


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and entry.name[0] != ".")


def _part_folders(request: Request) -> dict[str, Path]:
    """Part -> its folder. Without part folders the source itself is the training part."""
    problems = request.problems
    folders = {folder.name: folder for folder in _folders(request.path)}
    parts = {name: part for name, part in PART_FOLDERS.items() if name in folders}
    if "train" not in parts:
        if not folders:
            problems.report(
                "E375",
                "data.source",
                f"{quote(request.source)} has no folders; each class needs its own",
                "move the images of a class into a folder with the name of the class",
            )
            raise problems.stopped()
        return {"train": request.path}
    strangers = sorted(set(folders) - set(parts))
    if strangers:
        raise problems.stop(
            "E375",
            "data.source",
            f"beside the folder train stands {quote(strangers[0])}, which is no part",
            "parts are train, validation (or val) and test; classes go inside them",
        )
    if "validation" in parts and "val" in parts:
        raise problems.stop(
            "E375", "data.source", "both validation and val are there; one folder a part"
        )
    return {part: folders[name] for name, part in parts.items()}


def _read_part(request: Request, pillow: Any, part: str, folder: Path, seen: _Seen) -> None:
    counts = seen.counts.setdefault(part, Counter())
    seen.other_files += [
        entry.name for entry in sorted(folder.iterdir()) if entry.is_file() and entry.name[0] != "."
    ]
    for class_folder in _folders(folder):
        before = len(seen.digests)
        for path in _images(request, class_folder, seen):
            if len(seen.digests) >= MAX_FILES:
                raise request.problems.stop(
                    "E369", "data.source", f"the folder has more than {MAX_FILES:,} images"
                )
            _read_image(request, pillow, path, seen)
            name, digest = seen.digests[-1]
            seen.duplicates.add(part, digest.encode(), class_folder.name, name)
        counts[class_folder.name] += len(seen.digests) - before
        if len(seen.digests) == before:
            request.problems.report(
                "E375",
                "data.source",
                f"folder {quote(_relative(request, class_folder))} holds no images",
                "remove it, or put images directly into it",
            )


def _images(request: Request, folder: Path, seen: _Seen) -> Iterator[Path]:
    """The image files of a class, in the order that data.py has. Links must stay inside."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() and not is_inside(path.resolve(), [request.path]):
            request.problems.report(
                "E351",
                "data.source",
                f"{quote(_relative(request, path))} is a link that leaves the folder",
            )
        elif not entry.is_file() or not entry.name.lower().endswith(EXTENSIONS):
            seen.other_files.append(entry.name)
        else:
            yield path


def _relative(request: Request, path: Path) -> str:
    return path.relative_to(request.path).as_posix()


def _read_image(request: Request, pillow: Any, path: Path, seen: _Seen) -> None:
    """Digest and header of one file. A broken file counts as seen, so that its class is not."""
    name = _relative(request, path)
    if path.stat().st_size > MAX_FILE_BYTES:
        request.problems.report(
            "E369", "data.source", f"{quote(name)} has more than {MAX_FILE_BYTES:,} bytes"
        )
        content = b""
    else:
        content = path.read_bytes()
    seen.digests.append((name, hashlib.sha256(content).hexdigest()))
    try:
        problem = _header(request, pillow, content, seen)
    except Exception as error:
        problem = ("E372", _reason(error, content))
    if problem is not None:
        request.problems.report(problem[0], "data.source", f"{quote(name)} {problem[1]}")


def _reason(error: Exception, content: bytes) -> str:
    if not content:
        return "is empty"
    if type(error).__name__ == "UnidentifiedImageError":
        return "is no PNG, JPEG, WebP or BMP image, or is damaged"
    return f"cannot be read as an image ({str(error)[:80] or type(error).__name__})"


def _header(request: Request, pillow: Any, content: bytes, seen: _Seen) -> tuple[str, str] | None:
    limit = request.data.image.max_pixels
    image = _open(pillow, content)
    with image:
        width, height = image.size
        if width * height > limit:
            return (
                "E373",
                f"has {width} x {height} = {width * height:,} pixels;"
                f" data.image.max_pixels is {limit:,}",
            )
        if image.mode in _WIDE_MODES:
            return "E372", f"has more than 8 bits a channel (mode {image.mode})"
        if is_cut(image.format, content):
            return "E372", "is cut off: the end of the file is missing"
        seen.sizes[height, width] += 1
        seen.has_color |= image.mode not in ("1", "L", "LA")
    return None


def _open(pillow: Any, content: bytes) -> Any:
    """The header alone, so Pillow's own limit of pixels is off; other warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        limit, pillow.MAX_IMAGE_PIXELS = pillow.MAX_IMAGE_PIXELS, None
        try:
            return pillow.open(io.BytesIO(content), formats=FORMATS)
        finally:
            pillow.MAX_IMAGE_PIXELS = limit


def is_cut(format: str, content: bytes) -> bool:
    """Whether the end of an image file is missing, from its bytes alone."""
    if format == "PNG":
        return b"IEND" not in content[-64:]
    if format == "JPEG":
        return b"\xff\xd9" not in content[-4096:]
    if format == "WEBP":
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    return int.from_bytes(content[2:6], "little") > len(content)  # BMP


def _input(request: Request, seen: _Seen) -> ImageInput:
    declared = request.data.image
    channels = declared.channels or (3 if seen.has_color else 1)
    if declared.size is not None:
        height, width = declared.size
    else:
        (height, width), _ = seen.sizes.most_common(1)[0]
        if len(seen.sizes) > 1:
            smallest, largest = min(seen.sizes), max(seen.sizes)
            request.problems.report(
                "E374",
                "data.image.size",
                f"the images have {len(seen.sizes):,} sizes, from {_size(smallest)}"
                f" to {_size(largest)} (height x width)",
                f"say which one to resize to: `image: {{size: [{height}, {width}]}}`",
            )
    return ImageInput(height, width, channels)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _storage(seen: _Seen, parts: dict[str, Path], root: Path) -> Storage:
    own = parts["train"] != root
    rows = {part: sum(seen.counts[part].values()) for part in parts}
    return Storage(
        kind="image_folder",
        train=rows["train"],
        validation=rows.get("validation"),
        test=rows.get("test"),
        details={part: folder.name for part, folder in parts.items()} if own else {},
    )
