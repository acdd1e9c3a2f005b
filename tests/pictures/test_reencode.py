"""Photos from strangers are written anew, small, upright and without their metadata, or refused by name."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from bot.pictures import Photo, PictureJobFailed, PicturePool, PictureRefused

pytestmark = pytest.mark.asyncio(loop_scope="module")

RED, BLUE = (220, 20, 20), (20, 20, 220)
MIB = 1024 * 1024


def halves(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a picture red on its left and blue on its right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture.convert(mode)


def encoded(picture: Image.Image, media: str, **options: object) -> bytes:
    contents = io.BytesIO()
    picture.save(contents, media, **options)
    return contents.getvalue()


def with_camera_notes(picture: Image.Image, *, orientation: int = 1) -> bytes:
    """Return a JPEG as a phone writes it: place, device, orientation, comment, XMP."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "PhoneMaker"
    exif.get_ifd(0x8825).update({1: "N", 2: (14.0, 7.0, 30.0), 3: "E", 4: (107.0, 58.0, 12.0)})
    return encoded(picture, "JPEG", exif=exif, comment=b"lang Boi", xmp=b"<x:xmpmeta>secret</x:xmpmeta>")


def png_of_zeros(width: int, height: int, *, bits: int, colour: int) -> bytes:
    """Return a whole PNG of zero bytes, however large, without holding its pixels."""
    row_bytes = 1 + (width * bits + 7) // 8
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(bytes(row_bytes)) for _ in range(height)) + packer.flush()
    depth = 1 if bits == 1 else 8
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in parts
    )


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


async def keep(pool: PicturePool, contents: bytes, folder: Path) -> tuple[Photo, Image.Image]:
    """Re-encode the bytes; return the result and the picture read back."""
    source = folder.parent / "received"
    source.write_bytes(contents)
    photo = await pool.reencode(source, folder)
    with Image.open(folder / photo.file_name) as picture:
        picture.load()
        return photo, picture


def is_near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(have - want) < 40 for have, want in zip(pixel, colour, strict=True))


async def test_a_photo_keeps_nothing_that_tells_where_or_by_whom(pool: PicturePool, kept: Path) -> None:
    contents = with_camera_notes(halves(400, 300))
    assert b"PhoneMaker" in contents and b"lang Boi" in contents  # the test would prove nothing without
    photo, picture = await keep(pool, contents, kept)
    written = (kept / photo.file_name).read_bytes()
    for trace in (b"Exif", b"PhoneMaker", b"lang Boi", b"secret", b"ICC_PROFILE"):
        assert trace not in written
    assert not picture.getexif()
    assert picture.format == "JPEG"


async def test_a_photo_is_named_by_what_it_holds_and_described(pool: PicturePool, kept: Path) -> None:
    photo, picture = await keep(pool, encoded(halves(400, 300), "JPEG"), kept)
    written = (kept / photo.file_name).read_bytes()
    assert names(kept) == [f"{photo.sha256}.jpg"]
    assert photo == Photo(hashlib.sha256(written).hexdigest(), 400, 300, len(written), "image/jpeg")
    assert picture.size == (400, 300)


async def test_the_same_photo_twice_is_one_file(pool: PicturePool, kept: Path) -> None:
    contents = encoded(halves(400, 300), "JPEG")
    assert (await keep(pool, contents, kept))[0] == (await keep(pool, contents, kept))[0]
    assert len(names(kept)) == 1


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_a_photo_stands_as_the_camera_was_held(pool: PicturePool, kept: Path, orientation: int) -> None:
    scene = halves(160, 80)
    scene.paste((20, 220, 20), (0, 0, 40, 20))
    contents = with_camera_notes(scene, orientation=orientation)
    with Image.open(io.BytesIO(contents)) as received:
        expected = ImageOps.exif_transpose(received).convert("RGB")
    _, picture = await keep(pool, contents, kept)
    assert picture.size == expected.size
    for x, y in ((5, 5), (5, -5), (-5, 5), (-5, -5)):
        place = (x % picture.width, y % picture.height)
        wanted = expected.getpixel(place)
        assert isinstance(wanted, tuple)
        assert is_near(picture.getpixel(place), (int(wanted[0]), int(wanted[1]), int(wanted[2])))


async def test_an_unreadable_orientation_does_not_cost_the_photo(pool: PicturePool, kept: Path) -> None:
    contents = encoded(halves(160, 80), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xffgarbage")
    assert (await keep(pool, contents, kept))[1].size == (160, 80)


async def test_a_large_photo_is_made_small_in_its_own_shape(pool: PicturePool, kept: Path) -> None:
    photo, _ = await keep(pool, encoded(halves(4000, 3000), "JPEG"), kept)
    assert (photo.width, photo.height) == (1600, 1200)


@pytest.mark.parametrize("size", [(1600, 1600), (1600, 41), (1600, 1), (1, 1)])
async def test_pure_noise_which_packs_worst_is_kept(pool: PicturePool, kept: Path, size: tuple[int, int]) -> None:
    pixels = random.Random("noise").randbytes(size[0] * size[1] * 3)
    _, picture = await keep(pool, encoded(Image.frombytes("RGB", size, pixels), "PNG"), kept)
    assert picture.size == size


async def test_a_small_photo_is_not_made_larger(pool: PicturePool, kept: Path) -> None:
    assert (await keep(pool, encoded(halves(30, 20), "JPEG"), kept))[1].size == (30, 20)


async def test_transparency_becomes_white(pool: PicturePool, kept: Path) -> None:
    picture = halves(100, 100, "RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 50, 100))
    _, written = await keep(pool, encoded(picture, "PNG"), kept)
    assert is_near(written.getpixel((20, 50)), (255, 255, 255))
    assert is_near(written.getpixel((80, 50)), BLUE)


@pytest.mark.parametrize(
    ("mode", "media"),
    [
        ("RGB", "WEBP"),
        ("RGBA", "WEBP"),
        ("P", "PNG"),
        ("RGB", "PNG"),
        ("CMYK", "JPEG"),
    ],
)
async def test_the_three_formats_are_taken_in_their_colour_modes(
    pool: PicturePool, kept: Path, mode: str, media: str
) -> None:
    _, written = await keep(pool, encoded(halves(100, 60, mode), media), kept)
    assert is_near(written.getpixel((10, 30)), RED)
    assert is_near(written.getpixel((90, 30)), BLUE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I;16"])
async def test_grey_pictures_stay_grey(pool: PicturePool, kept: Path, mode: str) -> None:
    grey = Image.new("I;16", (50, 50), 0x8080) if mode == "I;16" else Image.new("L", (50, 50), 128).convert(mode)
    _, written = await keep(pool, encoded(grey, "PNG"), kept)
    box = written.convert("L").resize((1, 1), Image.Resampling.BOX)
    level = box.getpixel((0, 0))
    assert isinstance(level, float | int)
    assert 110 < level < 146


async def test_a_moving_picture_gives_its_first_frame(pool: PicturePool, kept: Path) -> None:
    frames = [Image.new("RGB", (50, 50), colour) for colour in (RED, BLUE)]
    for media in ("WEBP", "PNG"):
        contents = encoded(frames[0], media, save_all=True, append_images=frames[1:], duration=100)
        _, written = await keep(pool, contents, kept)
        assert is_near(written.getpixel((25, 25)), RED)


@pytest.mark.parametrize(
    "contents",
    [
        b"",
        b"\x00" * 1000,
        "Hôm qua trồng 150 cây".encode(),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\xff\xd8",
        encoded(halves(20, 20), "GIF"),
        encoded(halves(20, 20), "BMP"),
        encoded(halves(20, 20), "TIFF"),
    ],
    ids=["nothing", "zeros", "text", "svg", "postscript", "two bytes", "gif", "bmp", "tiff"],
)
async def test_what_is_not_one_of_the_three_formats_is_refused(pool: PicturePool, kept: Path, contents: bytes) -> None:
    with pytest.raises(PictureRefused, match=r"picture\.not_a_picture"):
        await keep(pool, contents, kept)
    assert names(kept) == []


@pytest.mark.parametrize("media", ["JPEG", "PNG", "WEBP"])
async def test_a_file_cut_off_on_its_way_is_refused_as_damaged(pool: PicturePool, kept: Path, media: str) -> None:
    contents = encoded(Image.effect_noise((300, 300), 60).convert("RGB"), media)
    with pytest.raises(PictureRefused, match=r"picture\.damaged"):
        await keep(pool, contents[: len(contents) // 2], kept)
    assert names(kept) == []


@pytest.mark.parametrize("media", ["JPEG", "PNG", "WEBP"])
async def test_broken_bytes_end_in_a_photo_or_a_refusal(pool: PicturePool, kept: Path, media: str) -> None:
    whole = encoded(Image.effect_noise((60, 60), 60).convert("RGB"), media)
    chance = random.Random(f"broken {media}")
    for _ in range(40):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        try:
            await keep(pool, bytes(broken), kept)
        except PictureRefused as refusal:
            assert refusal.reason_key in {"picture.damaged", "picture.not_a_picture", "picture.too_large"}


async def test_a_picture_that_unpacks_to_gigabytes_is_refused_before_it_does(pool: PicturePool, kept: Path) -> None:
    bomb = png_of_zeros(30_000, 30_000, bits=1, colour=0)
    assert len(bomb) < MIB
    with pytest.raises(PictureRefused, match=r"picture\.too_large"):
        await keep(pool, bomb, kept)


async def test_just_over_forty_megapixels_is_refused(pool: PicturePool, kept: Path) -> None:
    with pytest.raises(PictureRefused, match=r"picture\.too_large"):
        await keep(pool, png_of_zeros(8_001, 5_000, bits=1, colour=0), kept)


async def test_text_that_unpacks_to_megabytes_inside_a_picture_is_refused(pool: PicturePool, kept: Path) -> None:
    small = encoded(halves(20, 20), "PNG")
    body = b"Comment\x00\x00" + zlib.compress(bytes(100 * MIB))
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    with pytest.raises(PictureRefused):
        await keep(pool, small[:33] + chunk + small[33:], kept)


async def test_the_largest_picture_allowed_fits_into_the_memory_allowed(pool: PicturePool, kept: Path) -> None:
    photo, _ = await keep(pool, png_of_zeros(6_300, 6_300, bits=32, colour=6), kept)
    assert (photo.width, photo.height) == (1600, 1600)


async def test_a_picture_beyond_the_memory_is_refused_and_the_next_one_kept(
    kept: Path, jpeg_of: Callable[[int, int], bytes]
) -> None:
    async with PicturePool(memory_bytes=160 * MIB) as pool:
        with pytest.raises(PictureRefused, match=r"picture\.too_large"):
            await keep(pool, png_of_zeros(6_300, 6_300, bits=32, colour=6), kept)
        await keep(pool, jpeg_of(100, 100), kept)


async def test_a_folder_that_cannot_be_made_is_no_fault_of_the_photo(
    pool: PicturePool, kept: Path, jpeg_of: Callable[[int, int], bytes]
) -> None:
    (kept.parent / "photo").write_bytes(jpeg_of(10, 10))
    with pytest.raises(PictureJobFailed, match=r"NotADirectoryError|FileExistsError"):
        await pool.reencode(kept.parent / "photo", kept.parent / "photo" / "inside")
    with pytest.raises(PictureJobFailed, match="FileNotFoundError"):
        await pool.reencode(kept.parent / "missing", kept)
