"""QR codes as SVG: one drawing for the API and the projector's screen."""

import io

import segno

_SCALE = 8


def qr_svg(url: str) -> str:
    """The code of an address, on white whatever stands around it.

    Give the address in upper case: a smaller alphabet makes larger dots.
    """
    out = io.BytesIO()
    segno.make(url, error="m", micro=False).save(
        out, kind="svg", scale=_SCALE, xmldecl=False, omitsize=True, light="#fff"
    )
    return out.getvalue().decode()
