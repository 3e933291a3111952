"""Training recipes as data: what a ``recipe`` may say, and what is known of each data set.

Nothing here trains or reads files; ``archdsl.training`` does.
"""

from archdsl.recipes.datasets import DATASETS as DATASETS
from archdsl.recipes.datasets import FOLDER as FOLDER
from archdsl.recipes.datasets import DataSet as DataSet
from archdsl.recipes.datasets import folder_of_images as folder_of_images
from archdsl.recipes.entry import Entry as Entry
from archdsl.recipes.recipe import ENTRIES as ENTRIES
from archdsl.recipes.recipe import Recipe as Recipe
from archdsl.recipes.recipe import Setting as Setting
