"""Which parameters the layer types of stock Caffe take: evidence when a binary file is to be told from a fork's."""

from __future__ import annotations

SHARED = ("transform_param", "loss_param")
"""Fields that many types take."""

_OF_MANY = {
    "convolution_param": "Convolution Deconvolution Im2col",
    "pooling_param": "Pooling",
    "inner_product_param": "InnerProduct",
    "softmax_param": "Softmax SoftmaxWithLoss",
    "recurrent_param": "LSTM RNN",
}
_OF_ONE = {
    **{"Accuracy": "accuracy_param", "ArgMax": "argmax_param", "BatchNorm": "batch_norm_param", "Bias": "bias_param"},
    **{"Clip": "clip_param", "Concat": "concat_param", "ContrastiveLoss": "contrastive_loss_param"},
    **{"Crop": "crop_param", "Data": "data_param", "Dropout": "dropout_param", "DummyData": "dummy_data_param"},
    **{"ELU": "elu_param", "Eltwise": "eltwise_param", "Embed": "embed_param", "Exp": "exp_param"},
    **{"Flatten": "flatten_param", "HDF5Data": "hdf5_data_param", "HDF5Output": "hdf5_output_param"},
    **{"HingeLoss": "hinge_loss_param", "ImageData": "image_data_param", "InfogainLoss": "infogain_loss_param"},
    **{"Input": "input_param", "LRN": "lrn_param", "Log": "log_param", "MVN": "mvn_param"},
    **{"MemoryData": "memory_data_param", "PReLU": "prelu_param", "Parameter": "parameter_param"},
    **{"Power": "power_param", "Python": "python_param", "ReLU": "relu_param", "Reduction": "reduction_param"},
    **{"Reshape": "reshape_param", "SPP": "spp_param", "Scale": "scale_param", "Sigmoid": "sigmoid_param"},
    **{"Slice": "slice_param", "Swish": "swish_param", "TanH": "tanh_param", "Threshold": "threshold_param"},
    **{"Tile": "tile_param", "WindowData": "window_data_param"},
}
_WITHOUT = "AbsVal BNLL BatchReindex EuclideanLoss Filter LSTMUnit MultinomialLogisticLoss Silence Split"

STOCK_LAYERS: dict[str, tuple[str, ...]] = {
    **{name: (field,) for name, field in _OF_ONE.items()},
    **{name: (field,) for field, names in _OF_MANY.items() for name in names.split()},
    **dict.fromkeys((*_WITHOUT.split(), "SigmoidCrossEntropyLoss"), ()),
}
"""Layer types with the parameter fields that they take."""
