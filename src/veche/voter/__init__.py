"""The voter's side: what must happen on their own device. One module, :mod:`voter`.

It takes a frozen poll and imports no rule and no state: a device knows what is published, and no more. Nor does it import
another role (registrar, trustee), an engine, or the command line.
"""
