"""The doctor: what a folder of photographs and masks holds, what is wrong with it, and a clean copy of it."""

from fcn.doctor.faults import Fault as Fault
from fcn.doctor.fixing import fixed as fixed
from fcn.doctor.folder import Folder as Folder
from fcn.doctor.report import Report as Report
from fcn.doctor.report import examined as examined
