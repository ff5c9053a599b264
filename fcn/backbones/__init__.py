"""Networks that turn an image into feature maps at strides 4, 8, 16 and 32, and a pretrained classifier.

N batch, C channels, H and W height and width of the image. Of its maps, finest first, each network states `strides`,
`channels` and `centers`: the pixel on which a map's first cell is centered, by its kernels, strides and padding, if
32 divides H and W; the next cell lies one stride further on. Each takes images as bytes (uint8, 0 to 255) and scales
them itself, by its `normalize`; floats it takes as scaled already.

timm and torchvision are imported where they are needed: each takes about as long as torch itself.
"""

from fcn.backbones.efficientnet import Lite0 as Lite0
from fcn.backbones.efficientnet import lite0 as lite0
from fcn.backbones.efficientnet import lite0_classifier as lite0_classifier
from fcn.backbones.plain import Small as Small
from fcn.backbones.plain import small as small
from fcn.backbones.scale import Normalize as Normalize
from fcn.backbones.scale import normalize as normalize
from fcn.backbones.vgg import VGG16 as VGG16
from fcn.backbones.vgg import vgg16 as vgg16
