"""The report as one page of HTML, which needs nothing else: no script, no font, no picture from anywhere.

- :mod:`page`    the pages: of a ledger, of an archive
- :mod:`chart`   bars and columns as SVG
- :mod:`render`  templates (``templates/``), in which everything is escaped and nothing may be missing
"""
