"""A frame of the caller's camera or screen as the JPEG that goes to the model."""

from fractions import Fraction

import av
import numpy as np
from livekit import rtc

MIME_TYPE = "image/jpeg"
BOXES_PX = {"MEDIA_RESOLUTION_LOW": 384, "MEDIA_RESOLUTION_MEDIUM": 768, "MEDIA_RESOLUTION_HIGH": 1536}
"""The longest side of a picture, by the `mediaResolution` that the setup asks for (docs/facts.md G61)."""
BOX_PX = 768
"""The longest side of a picture without a `mediaResolution`."""
_QUANTISER = 4
"""Of FFmpeg's scale from 2 (best) to 31: printed text stays legible, and 768 x 432 pixels of a room are some 50 kB."""
_PIXELS = "yuvj420p"


def encoded(frame: rtc.VideoFrame, *, box_px: int = BOX_PX, rotation_deg: int = 0) -> bytes:
    """The frame as a JPEG that fits into a square of `box_px`, never enlarged. It takes some 20 ms: call it in a thread.

    Args:
        frame: a frame with pixels of any kind.
        box_px: the longest side of the picture.
        rotation_deg: the clockwise turn that puts the frame upright; a telephone held upright films on its side.
    """
    rgba = frame if frame.type == rtc.VideoBufferType.RGBA else frame.convert(rtc.VideoBufferType.RGBA)
    pixels = np.frombuffer(rgba.data, dtype=np.uint8).reshape(frame.height, frame.width, 4)
    upright = np.ascontiguousarray(np.rot90(pixels, k=-rotation_deg // 90))
    height, width = upright.shape[:2]
    scale = min(box_px / max(width, height), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    picture = av.VideoFrame.from_ndarray(upright, format="rgba").reformat(*size, format=_PIXELS, interpolation="AREA")
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base = _PIXELS, Fraction(1)
    codec.options = {"qmin": str(_QUANTISER), "qmax": str(_QUANTISER)}
    return b"".join(bytes(packet) for packet in [*codec.encode(picture), *codec.encode(None)])
