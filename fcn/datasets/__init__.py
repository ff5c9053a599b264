"""Data sets: an item is (image (3, H, W) uint8, mask (H, W) uint8, 255 for void). H height, W width."""

from fcn.datasets.camvid import CamVid as CamVid
from fcn.datasets.memory import in_memory as in_memory
from fcn.datasets.memory import nearest as nearest
from fcn.datasets.memory import pair as pair
from fcn.datasets.memory import resized as resized
from fcn.datasets.packing import write_shards as write_shards
from fcn.datasets.pairs import Pairs as Pairs
from fcn.datasets.published import VOC as VOC
from fcn.datasets.published import Pets as Pets
from fcn.datasets.shards import Shards as Shards
from fcn.datasets.shards import index_shards as index_shards
