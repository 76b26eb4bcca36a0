"""BigLittle: design big/little dynamic networks for edge devices.

The package root imports nothing, so that ``import biglittle.bench`` stays light.
"""

__version__ = "0.1.0"
