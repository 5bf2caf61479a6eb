"""HDF5 shards: the encoded images of many videos in one file, and one index to find them."""
