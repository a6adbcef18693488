"""Small trees in the layouts of the released data sets, with generated images.

Each function takes a folder to write into and returns the set's folder in it and, for each image
file, the label and the split that a reader is to give it.
"""

from released.animals import inaturalist_2021, oxford_pets, stanford_dogs
from released.birds import cub_200_2011, nabirds
from released.files import draw, lines, mat
from released.others import oxford_flowers102, tiny_imagenet_200
from released.vehicles import CAR_NAMES, fgvc_aircraft, stanford_cars, stanford_cars_single

RELEASED = {
    "cub_200_2011": cub_200_2011,
    "stanford_dogs": stanford_dogs,
    "nabirds": nabirds,
    "tiny_imagenet_200": tiny_imagenet_200,
    "fgvc_aircraft": fgvc_aircraft,
    "stanford_cars": stanford_cars,
    "oxford_flowers102": oxford_flowers102,
    "oxford_pets": oxford_pets,
    "inaturalist_2021": inaturalist_2021,
}

__all__ = ["CAR_NAMES", "RELEASED", "draw", "lines", "mat", "stanford_cars_single", *RELEASED]
