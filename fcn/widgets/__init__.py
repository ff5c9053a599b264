"""The book's interactive figures. Each is alive without a kernel, in the built pages as in Jupyter and Colab.

A figure is a class of live.Live in NAME.py and the ES module NAME.js that draws it, without a framework; what all use
is in shared.js, shared.css. The built pages run the same modules, from the state that the notebook stores.
"""

from fcn.widgets.ask import Ask as Ask
from fcn.widgets.grow import Grow as Grow
from fcn.widgets.paint import Paint as Paint
from fcn.widgets.score import Score as Score
from fcn.widgets.see import See as See
from fcn.widgets.skips import Skips as Skips
