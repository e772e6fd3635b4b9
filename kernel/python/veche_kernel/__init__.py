from veche_kernel._veche_kernel import *  # noqa: F403
