"""Belenios archives (.bel), in and out.

- :mod:`records`      the container: records in exactly one spelling
- :mod:`archive`      what is in it, and in which order: a chain of events
- :mod:`parts`        the small documents of its events
- :mod:`credentials`  the list of those who may vote
- :mod:`trustees`     who holds which part of the key, and that they do
- :mod:`shares`       the decryption: shares, and the result that they open
- :mod:`writer`       an archive out of documents that are ready

To check one from end to end: ``veche.audit.archive.verify_archive``.
"""
