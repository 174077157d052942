"""Files to send: made here, so that none of somebody else's lies in the repository."""

import datetime
import io
import struct
import zlib
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from PIL import Image

SECRET = b"taken in the secret garden"


def picture(
    width: int = 90, height: int = 60, format: str = "PNG", **options: Any
) -> bytes:
    """Red on the left half, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def from_a_camera(format: str = "JPEG", orientation: int = 1) -> bytes:
    """A picture that says where it was taken, in every way its format knows."""
    if format == "GIF":
        return moving(SECRET)
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif[0x0112] = orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (46.0, 56.0, 53.0), 3: "E"})
    options: dict[str, Any] = {"exif": exif, "xmp": b"<x:xmpmeta>" + SECRET}
    if format == "JPEG":
        options["comment"] = SECRET
    data = picture(format=format, **options)
    if format == "PNG":
        data = data[:-12] + chunk(b"tEXt", b"Comment\0" + SECRET) + data[-12:]
    if format == "JPEG":  # As phones append a film or a second picture.
        data += picture(format="JPEG", comment=SECRET)
    assert SECRET in data
    return data


def moving(said: bytes = b"") -> bytes:
    """A GIF of two frames that plays for ever, with something said in it."""
    frames = [Image.new("RGB", (90, 60), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    options = {"save_all": True, "append_images": frames[1:], "loop": 0}
    frames[0].save(file, "GIF", comment=said, **options)
    data = file.getvalue()
    if not said:
        return data
    # As XMP is put into a GIF: no blocks, and an end that leads out wherever one lands.
    magic = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    xmp = b"!\xff\x0bXMP DataXMP<x:xmpmeta>" + said + magic
    return data[:-1] + xmp + data[-1:]


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey picture that says this of itself, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def vp8(width: int = 90, height: int = 60) -> bytes:
    """A frame, which is what is in a lossy WebP (RFC 6386)."""
    webp = picture(width, height, "WEBP", quality=90)
    assert webp[12:16] == b"VP8 "
    return webp[20 : 20 + int.from_bytes(webp[16:20], "little")]


def element(id: str, *inside: bytes) -> bytes:
    """A part of a Matroska file."""
    data = b"".join(inside)
    return bytes.fromhex(id) + (len(data) | 1 << 56).to_bytes(8, "big") + data


def film(
    width: int = 90,
    height: int = 60,
    *,
    said: bytes = b"",
    kind: bytes = b"webm",
    is_live: bool = False,
) -> bytes:
    """A WebM of one frame with something said in it; a live one is open at its end."""

    def number(id: str, value: int) -> bytes:
        return element(id, value.to_bytes(2, "big"))

    head = element("1a45dfa3", element("4282", kind))
    about = [element("2ad7b1", (1_000_000).to_bytes(4, "big"))]
    rest = b""
    if said:
        about += [element("4461", said[:8]), b"\xbf\x84CRC!"]
        about += [element(id, said) for id in ("7ba9", "5741")]
        tag = element("67c8", element("45a3", b"LOCATION"), element("4487", said))
        attached = element("61a7", element("466e", b"a.jpg"), element("465c", said))
        rest = element("1254c367", element("7373", tag))
        rest += element("1941a469", attached) + element("ec", said) + b"\xec\x80"
    size = element("e0", number("b0", width), number("ba", height))
    track = (number("d7", 1), number("73c5", 1), number("83", 1))
    tracks = element("1654ae6b", element("ae", *track, element("86", b"V_VP8"), size))
    block = element("a3", b"\x81\0\0\x80" + vp8(width, height))
    cluster = element("1f43b675", number("e7", 0), block)
    inside = (element("1549a966", *about), tracks, rest, cluster, rest)
    segment = element("18538067", *inside)
    if is_live:
        open_end = b"\x01" + b"\xff" * 7
        segment = segment[:4] + open_end + segment[12:]
        segment = segment.replace(cluster, cluster[:4] + open_end + cluster[12:])
    return head + segment


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate for the name, and its key, that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    files = folder / f"{host}.pem", folder / f"{host}.key"
    files[0].write_bytes(made.public_bytes(pem))
    files[1].write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
