"""A trained network for elsewhere: ONNX, torch.export, int8, a folder for the Hugging Face Hub; sizes and speed.

`trained` is what fcn.predict.load returns. Each file is checked against PyTorch before it is written. What makes and
reads folders of the Hub is in fcn.export.hub (to_folder, Shared); huggingface_hub takes long to import.
"""

from fcn.export.check import Agreement as Agreement
from fcn.export.graph import to_onnx as to_onnx
from fcn.export.graph import to_program as to_program
from fcn.export.int8 import Int8 as Int8
from fcn.export.int8 import to_int8 as to_int8
from fcn.export.speed import Row as Row
from fcn.export.speed import measured as measured
