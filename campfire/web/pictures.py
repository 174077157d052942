"""Has pictures made small and clean by a process that may fail without harm."""

import asyncio
import sys
from typing import Final, Literal

from campfire.refusals import Invalid

LARGEST: Final = 5 * 1024 * 1024
PATIENCE: Final = 15.0
AT_ONCE: Final = asyncio.Semaphore(2)


async def remade(
    data: bytes, shape: Literal["square", "fit"], size: int, format: str
) -> bytes:
    """A new picture at most `size` wide and high. Raises Invalid for anything else."""
    async with AT_ONCE:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "campfire.pictures", shape, str(size), format),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                made, _ = await process.communicate(data)
        except TimeoutError:
            process.kill()
            await process.wait()
            made = b""
    if process.returncode != 0 or not made:
        raise Invalid(
            "This picture cannot be used.",
            picture="Use a PNG, JPEG, GIF or WebP of up to 25 megapixels.",
        )
    return made
