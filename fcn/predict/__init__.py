"""A trained network for use: from its file to label maps, of pictures of any size, and to files of them."""

from fcn.answers import labels as labels
from fcn.answers import predicted as predicted
from fcn.predict.files import predict_files as predict_files
from fcn.predict.pictures import opened as opened
from fcn.predict.pictures import photographs as photographs
from fcn.predict.tiles import blocks as blocks
from fcn.predict.tiles import label_map as label_map
from fcn.predict.trained import Trained as Trained
from fcn.predict.trained import load as load
