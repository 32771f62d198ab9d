"""Dialects of Caffe: the fields, numbers and layers of its forks, as plugins."""
