"""The book's interactive figures. Each is alive without a kernel, in the built pages as in Jupyter and Colab."""

from fcn.widgets.frames import frames as frames
from fcn.widgets.painting import painting as painting
from fcn.widgets.stamping import stamping as stamping
