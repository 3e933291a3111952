"""The names of the specs that the tests of emission go through."""

NETWORKS = ["vgg1", "vgg2", "resnet"]
AGGREGATING = ["vgg1_ra", "vgg2_ra", "resnet_ra", "resnet_ra_b", "resnet_ra_c"]
PLAIN = {name: name.split("_")[0] for name in AGGREGATING}
BESIDES = ["vgg1_ra_b", "vgg1_ra_c", "vgg2_ra_b", "vgg2_ra_c"]
EVERY = NETWORKS + AGGREGATING + BESIDES
