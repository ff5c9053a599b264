"""The book's figures and tables: one style, each figure in a light and a dark version.

A noun returns a figure, draw_x(ax, ...) draws on axes. All take what data sets and networks give: tensors or arrays,
images (3, H, W) or (H, W, 3), uint8 or 0..1. The rooms of this wing: figure (paper and frame), pictures, labels,
cells, confusion, reliability, charts, brushes, layers, tables; values says what they take.
"""

from fcn.palette import ACCENT as ACCENT
from fcn.palette import CLASS_COLORS as CLASS_COLORS
from fcn.palette import ERROR_COLORS as ERROR_COLORS
from fcn.palette import INK as INK
from fcn.palette import LINE as LINE
from fcn.palette import OVERLAY_COLORS as OVERLAY_COLORS
from fcn.palette import PAPER as PAPER
from fcn.palette import SOFT as SOFT
from fcn.palette import WARM as WARM
from fcn.palette import colors as colors
from fcn.palette import voc_colors as voc_colors
from fcn.viz.brushes import paint_counts as paint_counts
from fcn.viz.brushes import phases as phases
from fcn.viz.brushes import stamp_sum as stamp_sum
from fcn.viz.brushes import stamps as stamps
from fcn.viz.cells import cells as cells
from fcn.viz.cells import draw_cells as draw_cells
from fcn.viz.charts import curves as curves
from fcn.viz.charts import intervals as intervals
from fcn.viz.charts import loss_curve as loss_curve
from fcn.viz.charts import scatter as scatter
from fcn.viz.charts import strip_plot as strip_plot
from fcn.viz.confusion import confusion as confusion
from fcn.viz.examples import examples as examples
from fcn.viz.figure import BookFigure as BookFigure
from fcn.viz.figure import dark_colors as dark_colors
from fcn.viz.figure import figure as figure
from fcn.viz.figure import side_by_side as side_by_side
from fcn.viz.figure import style as style
from fcn.viz.labels import comparison as comparison
from fcn.viz.labels import error_map as error_map
from fcn.viz.labels import label_map as label_map
from fcn.viz.layers import flattening as flattening
from fcn.viz.layers import kernel_on_map as kernel_on_map
from fcn.viz.layers import skip_connections as skip_connections
from fcn.viz.pictures import crop_overlay as crop_overlay
from fcn.viz.pictures import framed as framed
from fcn.viz.pictures import overlay as overlay
from fcn.viz.pictures import panel as panel
from fcn.viz.pictures import row as row
from fcn.viz.reliability import reliability as reliability
from fcn.viz.tables import Table as Table
from fcn.viz.tables import table as table
