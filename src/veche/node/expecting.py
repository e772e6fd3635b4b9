"""What an HTTP request may expect (RFC 9110, section 10.1.1): to be told that it may go on, and nothing else."""

from aiohttp import web


async def expected(request: web.Request) -> web.Response | None:
    """Tell the client to send the body; or the answer, if it expects what nobody offers, whatever bytes it says so with."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return web.Response(status=417, headers={"Connection": "close"})
    if request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    return None
