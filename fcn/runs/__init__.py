"""A training that leaves a folder: the network, how it was made, what it scores, and pictures of it."""

from fcn.runs.card import said as said
from fcn.runs.card import scores_of as scores_of
from fcn.runs.folder import Folder as Folder
from fcn.runs.run import BACKBONES as BACKBONES
from fcn.runs.run import LOSSES as LOSSES
from fcn.runs.run import device_of as device_of
from fcn.runs.run import train as train
from fcn.runs.sized import Sized as Sized
from fcn.runs.sized import divided as divided
from fcn.runs.sized import part as part
from fcn.runs.sized import within as within
