"""The book's interactive figures. Each is alive without a kernel, in the built pages as in Jupyter and Colab."""

from fcn.widgets.frames import frames as frames
