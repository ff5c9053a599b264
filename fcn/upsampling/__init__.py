"""Chapter 3: ways to enlarge a map. N batch, C channels, H height, W width, s the factor of enlargement.

Each takes (N, C, H, W) and returns (N, C', s H, s W): without weights (interpolation), with weights (layers); what a
transposed convolution is, written out (transposed); and what one starts from (starts).
"""

from fcn.upsampling.interpolation import Bilinear as Bilinear
from fcn.upsampling.interpolation import bed_of_nails as bed_of_nails
from fcn.upsampling.interpolation import bilinear as bilinear
from fcn.upsampling.interpolation import bilinear_matrix as bilinear_matrix
from fcn.upsampling.interpolation import coarsened as coarsened
from fcn.upsampling.interpolation import max_unpool as max_unpool
from fcn.upsampling.interpolation import nearest as nearest
from fcn.upsampling.layers import BilinearUp as BilinearUp
from fcn.upsampling.layers import ResizeConv as ResizeConv
from fcn.upsampling.layers import SubPixel as SubPixel
from fcn.upsampling.layers import bilinear_kernel as bilinear_kernel
from fcn.upsampling.starts import as_transposed as as_transposed
from fcn.upsampling.starts import tent_ as tent_
from fcn.upsampling.transposed import conv_matrix as conv_matrix
from fcn.upsampling.transposed import transposed_conv as transposed_conv
