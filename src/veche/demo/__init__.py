"""A small city before your eyes: ``veche demo``.

- :mod:`story`    what is told, in its order
- :mod:`city`     what happens: citizens, honest and not, and trustees as processes of their own
- :mod:`content`  what the city votes on
- :mod:`audit`    the end of it: anybody verifies everything
- :mod:`four`     what is told of four institutions, in its order
- :mod:`network`  what happens: their nodes
- :mod:`joining`  what both tell of a citizen's node, to which one node lies
- :mod:`citizen`  what happens: that node, and the door that lies
- :mod:`nodes`    nodes as processes of their own
- :mod:`screen`   where it is shown: the terminal, and a picture

It plays in a :class:`veche.world.World`, or on nodes that are real, by the ways that everybody has: it imports no rule, and not the command line.
"""
