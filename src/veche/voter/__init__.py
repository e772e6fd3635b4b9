"""The voter's side: what must happen on their own device. Modules: :mod:`voter`, and :mod:`permits`.

It takes a frozen poll and imports no rule and no state: a device knows what is published, and no more. Nor does it import
another role (registrar, trustee), an engine, or the command line.
"""
