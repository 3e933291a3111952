"""Reading the data sets: locating or downloading the official files, and checking them."""

from archdsl.training.data.images import Images as Images
from archdsl.training.data.reading import READERS as READERS
from archdsl.training.data.reading import read as read
