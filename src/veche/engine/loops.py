"""The loops on which a network's node talks: uvloop's where it is installed, which take half the time of the standard library's."""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop for one thread, which closes it."""
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
