"""The helper process: decode, re-encode and draw pictures, write spreadsheets, under limits of time and memory.

Started by `bot/pictures.py` as `python -m bot.picture_jobs MEMORY_BYTES CPU_S`, and never imported by the
program itself: what runs here works on files sent by strangers.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.picture_contract import ChartRow, ChartSpec, Photo, PictureRefused, Sheet

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from PIL.Image import Image as Picture

# Takes JSON values; what it returns is read back as its fields.
Job = Callable[..., "DataclassInstance"]

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 40_000_000
LONG_SIDE_PX = 1600
JPEG_QUALITY = 82
# An optimised JPEG is made in one buffer; pure noise of 1600 x 1600 pixels comes to 2.3 MB.
ENCODER_BYTES = 4 * 1024 * 1024
QR_SIDE_PX = 600
QR_MAX_BYTES = 500
MAX_FILE_BYTES = 64 * 1024 * 1024
EXIF_ORIENTATION = 0x0112


def reencode(source: str, target_folder: str) -> Photo:
    """Write a photo anew: upright, at most 1600 pixels a side, JPEG, nothing of its metadata.

    Takes JPEG, PNG and WebP by content, up to 40 megapixels; the first frame of a moving picture; white
    behind transparency. Raises `PictureRefused`; `OSError` when the disk is the trouble.
    """
    from PIL import ImageFile

    with Path(source).open("rb") as file:
        picture = _decode(file)
    contents = io.BytesIO()
    ImageFile.MAXBLOCK = ENCODER_BYTES
    picture.save(contents, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True)
    return _keep(contents.getvalue(), picture.size, "image/jpeg", folder=Path(target_folder))


def draw_chart(spec: dict[str, Any], target_folder: str) -> Photo:
    """Draw a `ChartSpec` given as plain values."""
    from bot.picture_charts import chart_png

    rows = tuple(ChartRow(**row) for row in spec["rows"])
    contents, size = chart_png(ChartSpec(**{**spec, "rows": rows}))
    return _keep(contents, size, "image/png", folder=Path(target_folder))


def draw_qr(text: str, target_folder: str) -> Photo:
    """Draw a QR code with its quiet zone, about 600 pixels a side; `ValueError` over 500 bytes of text."""
    import segno

    if len(text.encode()) > QR_MAX_BYTES:
        raise ValueError("the text is too long for a QR code that a phone reads")
    code = segno.make_qr(text, error="m")
    scale = max(1, int(QR_SIDE_PX // code.symbol_size()[0]))
    contents = io.BytesIO()
    code.save(contents, kind="png", scale=scale)
    width, height = (int(side) for side in code.symbol_size(scale))
    return _keep(contents.getvalue(), (width, height), "image/png", folder=Path(target_folder))


def write_sheet(rows: str, target: str) -> Sheet:
    """Write a spreadsheet from a file of rows."""
    from bot.sheets import write

    return write(Path(rows), Path(target))


JOBS: Mapping[str, Job] = {
    "reencode": reencode,
    "draw_chart": draw_chart,
    "draw_qr": draw_qr,
    "write_sheet": write_sheet,
}


def _decode(file: io.BufferedReader) -> Picture:
    """Return the picture as plain RGB pixels, small and upright."""
    from PIL import Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

    assert JpegImagePlugin and PngImagePlugin and WebPImagePlugin  # importing them registers the three formats
    # Our own limit is checked first and is lower; the library's stays as a second fence.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureRefused("picture.too_large")
            return _flatten(_shrink(picture))
    except (PictureRefused, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefused("picture.too_large") from None
    except UnidentifiedImageError:
        raise PictureRefused("picture.not_a_picture") from None
    except Exception as error:
        # Decoders meet broken files with errors of every kind.
        raise PictureRefused("picture.damaged") from error


def _shrink(picture: Picture) -> Picture:
    """Return it within the long side, turned as the camera was held."""
    orientation = _orientation(picture)
    if picture.mode in ("P", "PA", "1"):
        # A palette cannot be averaged.
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    if picture.mode.startswith("I;16"):
        # Scanners' 16-bit grey; a plain conversion would clip it to white.
        picture = picture.convert("I").point(lambda grey: grey / 257).convert("L")
    picture.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
    return _turned(picture, orientation)


def _orientation(picture: Picture) -> int:
    """Return the EXIF orientation, 1 where it is missing or unreadable: a picture on its side beats none."""
    try:
        return int(picture.getexif().get(EXIF_ORIENTATION, 1))
    except MemoryError:
        raise
    except Exception:
        return 1


def _turned(picture: Picture, orientation: int) -> Picture:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _flatten(picture: Picture) -> Picture:
    """Return its pixels on white in a new picture: the old one carries comments, profiles and places."""
    from PIL import Image

    clean = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        clean.paste(layer, mask=layer.getchannel("A"))
    else:
        clean.paste(picture.convert("RGB"))
    return clean


def _keep(contents: bytes, size: tuple[int, int], media_type: str, *, folder: Path) -> Photo:
    """Write the file under its own digest, so that it is there whole and for good, or not at all."""
    digest = hashlib.sha256(contents).hexdigest()
    photo = Photo(digest, *size, len(contents), media_type)
    folder.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=folder, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(folder / photo.file_name)
    except BaseException:
        Path(part).unlink()
        raise
    _sync_folder(folder)
    return photo


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def serve(jobs: Mapping[str, Job], *, memory_bytes: int, cpu_s: int) -> None:
    """Answer each JSON line `[job, *args]` with one, until the input ends, as it does with our parent."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    limit_process(memory_bytes)
    print("{}", file=answers, flush=True)
    for line in sys.stdin:
        limit_cpu(cpu_s)
        print(json.dumps(answer(jobs, line)), file=answers, flush=True)


def answer(jobs: Mapping[str, Job], line: str) -> dict[str, object]:
    """Do one job; return `result`, `refused` (a wording key) or `failed` (where in our code, no content)."""
    job, *args = json.loads(line)
    try:
        return {"result": asdict(jobs[job](*args))}
    except PictureRefused as refusal:
        return {"refused": refusal.reason_key}
    except MemoryError:
        return {"refused": "picture.too_large"}
    except Exception as error:
        return {"failed": _place(error)}


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    number = f" {error.errno}" if isinstance(error, OSError) and error.errno else ""
    return type(error).__name__ + number + where


def limit_process(memory_bytes: int) -> None:
    """Give way to the rest of the machine, cap memory and files, be the first to go when memory runs out."""
    # A service manager's stop reaches us too. The program decides when a job ends, not that.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_IGN)
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    if sys.platform == "linux":  # elsewhere the kernel knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        Path("/proc/self/oom_score_adj").write_text("1000")


def limit_cpu(cpu_s: int) -> None:
    """Allow this many more seconds of computing; past them the kernel ends the process (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + cpu_s, hard))


if __name__ == "__main__":
    serve(JOBS, memory_bytes=int(sys.argv[1]), cpu_s=int(sys.argv[2]))
