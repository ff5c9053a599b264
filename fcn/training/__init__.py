"""Train a network (fit), score it (evaluate), keep it and go on with it (save, resume), in one process or several."""

from fcn.training.augment import augmented as augmented
from fcn.training.augment import cropped as cropped
from fcn.training.checkpoints import resume as resume
from fcn.training.checkpoints import save as save
from fcn.training.checkpoints import stored as stored
from fcn.training.fit import evaluate as evaluate
from fcn.training.fit import fit as fit
from fcn.training.frozen import frozen as frozen
from fcn.training.losses import cross_entropy_and_iou as cross_entropy_and_iou
from fcn.training.losses import soft_iou as soft_iou
from fcn.training.parallel import part as part
from fcn.training.parallel import processes as processes
from fcn.training.parallel import synchronized as synchronized
from fcn.training.recipes import one_cycle as one_cycle
from fcn.training.recipes import polynomial as polynomial
